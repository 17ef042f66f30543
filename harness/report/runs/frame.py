"""From a store to a data frame: one row per run, target and measure; done, failed or missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter

import pandas as pd

from harness.command_name import command_name
from harness.errors import UserError, unknown_name
from harness.report.runs.index import index_of, rows_of
from harness.report.runs.rows import RunRow, asked, renamed
from harness.report.runs.tuned import searched, tuned_rows
from harness.specs import RunSpec
from harness.store.store import Store
from harness.sweep.calls import one_line

_DTYPES = {
    "str": "string",
    "RunStatus": "string",
    "str | None": "string",
    "int": "int64",
    "int | None": "Int64",
    "float": "float64",
    "float | None": "float64",
    "bool": "bool",
}
DTYPES: dict[str, str] = {field.name: _DTYPES[str(field.type)] for field in fields(RunRow)}
DTYPES["order"] = "int64"
"""The frame's columns: those of `RunRow`, and the run's place in the sweeps' plans, behind them all
if none planned it. What is not known is NA, in float columns NaN."""


def load_frame(store: Store, sweep: str | None = None) -> pd.DataFrame:
    """Return one row per run, target and measure, as `RunRow` describes them.

    A run of most protocols has one target; one of distribution_shift has a row for each domain it
    is tested on.

    Args:
        store: Where the runs are.
        sweep: Only this sweep's runs, under the names this sweep gives them.

    Raises:
        UserError: If the store has no runs at all, or no such sweep.
    """
    plans = {plan.name: plan for plan in store.plans()}
    if sweep is not None and sweep not in plans:
        raise unknown_name("sweep", sweep, plans, f"it must have been run into {store.root}")
    chosen = [plans[sweep]] if sweep is not None else list(plans.values())
    planned: dict[str, RunSpec] = {}
    for plan in chosen:
        for spec in plan.runs:
            planned.setdefault(spec.id, spec)
    order = {run_id: position for position, run_id in enumerate(planned)}
    of_searches = {run_id for plan in plans.values() for run_id in searched(plan)}
    kept, chosen_too = of_searches - set(planned), of_searches & set(planned)

    index = index_of(store)
    rows: dict[str, Sequence[RunRow]] = {}
    for run_id in index.run_ids():
        if run_id in kept:
            continue
        if sweep is None and run_id not in chosen_too:
            rows[run_id] = index.known_rows(run_id)
        elif run_id in planned:
            # Of one sweep the plan's label counts: the run may have been made under another's name,
            # as may one with its own values that a search chose. Of a whole store the record's: a
            # plan can come from anybody.
            rows[run_id] = [renamed(row, planned[run_id]) for row in index.known_rows(run_id)]
    for failure in store.failures():
        if failure.id not in kept and (sweep is None or failure.id in planned):
            spec = planned.get(failure.id, failure.spec)
            rows[failure.id] = asked(failure.id, spec, "failed", one_line(failure.error))
    for run_id, spec in planned.items():
        if run_id not in rows:
            rows[run_id] = asked(run_id, spec, "missing")
    placed = [
        (order.get(run_id, len(order)), row.label, run_id, row)
        for run_id, own in rows.items()
        for row in own
    ]
    for plan in chosen:
        placed += [(at, row.label, row.id, row) for at, row in tuned_rows(store, plan, order)]
    if all(row.status == "missing" for *_, row in placed):
        raise UserError(
            f"{store.root}: no runs yet, so there is nothing to report; "
            f"start with `{command_name()} quickstart`"
        )
    placed.sort(key=lambda one: one[:3])
    return _frame([one[3] for one in placed], [one[0] for one in placed])


def frame_of(store: Store, specs: Sequence[RunSpec]) -> pd.DataFrame:
    """Return the rows of these runs alone, in their order and under their names.

    The columns are those of `load_frame`; a run that neither ended nor failed is ``missing``.
    """
    rows: list[RunRow] = []
    orders: list[int] = []
    for order, spec in enumerate({spec.id: spec for spec in specs}.values()):
        rows += rows_of(store, spec)
        orders += [order] * (len(rows) - len(orders))
    return _frame(rows, orders)


def _frame(rows: Sequence[RunRow], orders: Sequence[int]) -> pd.DataFrame:
    names = [name for name in DTYPES if name != "order"]
    columns = {name: list(map(attrgetter(name), rows)) for name in names}
    columns["order"] = list(orders)
    return pd.DataFrame(
        {name: pd.Series(columns[name], dtype=dtype) for name, dtype in DTYPES.items()}
    )
