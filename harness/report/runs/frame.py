"""From a store to a data frame: one row per run, target and measure; done, failed or missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import pandas as pd

from harness.command_name import command_name
from harness.errors import UserError, unknown_name
from harness.report.runs.rows import RunRow, asked, finished, rows_of
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
"""The frame's columns, those of `RunRow`. What is not known is NA, in float columns NaN."""


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
    tuned = [row for plan in chosen for row in tuned_rows(store, plan, order)]
    kept = {run_id for plan in plans.values() for run_id in searched(plan)} - set(planned)

    defaults = {run.id for plan in chosen if plan.searches for run in plan.runs}

    rows: dict[str, list[RunRow]] = {}
    for record in store.records():
        if record.id in kept:
            continue
        if sweep is None or record.id in planned:
            # Of one sweep the plan's label counts: the run may have been made under another's name,
            # as may one with its own values that a search chose. Of a whole store the record's: a
            # plan can come from anybody.
            by_plan = sweep or record.id in defaults
            spec = planned.get(record.id, record.spec) if by_plan else record.spec
            rows[record.id] = finished(store, record, spec, order.get(record.id, len(order)))
    for failure in store.failures():
        if failure.id not in kept and (sweep is None or failure.id in planned):
            spec, place = planned.get(failure.id, failure.spec), order.get(failure.id, len(order))
            rows[failure.id] = asked(failure.id, spec, place, "failed", one_line(failure.error))
    for run_id, spec in planned.items():
        if run_id not in rows:
            rows[run_id] = asked(run_id, spec, order[run_id], "missing")
    every = [*(row for own in rows.values() for row in own), *tuned]
    if all(row.status == "missing" for row in every):
        raise UserError(
            f"{store.root}: no runs yet, so there is nothing to report; "
            f"start with `{command_name()} quickstart`"
        )
    return _frame(sorted(every, key=lambda row: (row.order, row.label, row.id)))


def frame_of(store: Store, specs: Sequence[RunSpec]) -> pd.DataFrame:
    """Return the rows of these runs alone, in their order and under their names.

    The columns are those of `load_frame`; a run that neither ended nor failed is ``missing``.
    """
    rows: list[RunRow] = []
    for order, spec in enumerate({spec.id: spec for spec in specs}.values()):
        rows += rows_of(store, spec, order)
    return _frame(rows)


def _frame(rows: Sequence[RunRow]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.Series([getattr(row, name) for row in rows], dtype=dtype)
            for name, dtype in DTYPES.items()
        }
    )
