"""From runs to a table: per method and held-out domain, mean ± spread over seeds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from harness.errors import UserError
from harness.report.runs.blocks import FIELDS, Block, blocks
from harness.report.runs.frame import load_frame
from harness.report.runs.labels import disambiguate
from harness.report.tables.cells import cell_of, mark_best, mean_cell, usual_n
from harness.report.tables.model import Cell, Row, SeedKey, Table
from harness.report.tables.spread import Spread
from harness.sweep.calls import canonical

__all__ = ["Block", "Cell", "Row", "Table", "blocks", "labelled", "load_frame", "summarise"]


def summarise(frame: pd.DataFrame, spread: Spread = "std") -> Table:
    """Return the table of one block.

    Raises:
        UserError: If the runs may not share a table; split them with `blocks` first.
    """
    parts = blocks(frame)
    if len(parts) != 1:
        first, second = parts[0].key, parts[1].key
        field = next(field for field in FIELDS if first[field] != second[field])
        raise UserError(
            f"one table cannot mix {field} '{first[field]}' and '{second[field]}'; "
            "make one table per block"
        )
    runs: list[dict[Any, Any]] = frame.to_dict("records")
    domains = _domains(runs)
    rows = mark_best([_row(label, own, domains, spread) for label, own in _variants(runs)])
    states = Counter({run["id"]: run["status"] for run in runs}.values())
    return Table(
        key=parts[0].key,
        domains=domains,
        heads=domains,
        rows=tuple(rows),
        spread=spread,
        usual_n=usual_n(rows),
        n_runs=states.total(),
        n_failed=states["failed"],
        n_missing=states["missing"],
        has_mean=len(domains) > 1,
    )


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one block's runs under the labels of their table's rows, one for each cell and seed.

    So no label stands for two configurations, which is what statistics of pairs ask for.
    """
    runs: list[dict[Any, Any]] = frame.to_dict("records")
    rows = [run | {"label": label} for label, own in _variants(runs) for run in own]
    found = pd.DataFrame(rows, columns=list(frame.columns), dtype=object)
    # as in `_row`: of two runs in one place the later one counts
    return found.drop_duplicates(["label", "dataset", "target", "seed", "data_seed"], keep="last")


def _domains(runs: Sequence[dict[Any, Any]]) -> tuple[str, ...]:
    """Order domains as planned; those of runs no sweep planned follow the alphabet."""
    first: dict[str, int] = {}
    for run in runs:
        first[run["target"]] = min(first.get(run["target"], run["order"]), run["order"])
    return tuple(sorted(first, key=lambda domain: (first[domain], domain)))


def _variants(runs: Sequence[dict[Any, Any]]) -> list[tuple[str, list[dict[Any, Any]]]]:
    """Group runs by what was configured, not by label, and name each group apart."""
    groups: dict[str, list[dict[Any, Any]]] = {}
    for run in runs:
        identity = [run["method"], run["config"], run["asked_selection"]]
        groups.setdefault(json.dumps(identity, sort_keys=True, default=str), []).append(run)

    def place(group: list[dict[Any, Any]]) -> tuple[int, bool, str]:
        trained = any(run["trained_parameters"] for run in group)
        return min(run["order"] for run in group), trained, group[0]["label"]

    ordered = sorted(groups.values(), key=place)
    labels = [Counter(run["label"] for run in group).most_common(1)[0][0] for group in ordered]
    variants = [
        {key: group[0][name] for key, name in
         (("method", "method"), ("config", "config"), ("selection", "asked_selection"))}
        for group in ordered
    ]  # fmt: skip
    return list(zip(disambiguate(labels, variants), ordered, strict=True))


def _row(label: str, runs: Sequence[dict[Any, Any]], domains: Sequence[str], spread: Spread) -> Row:
    seeds = sorted({_seed(run) for run in runs})
    by_cell = {(run["target"], _seed(run)): run for run in runs}
    done = {at: run for at, run in by_cell.items() if run["status"] == "done"}
    cells = []
    for domain in domains:
        own = {seed: done[domain, seed] for seed in seeds if (domain, seed) in done}
        states = [by_cell.get((domain, seed), {"status": "missing"})["status"] for seed in seeds]
        cell = _cell(own, states.count("failed"), states.count("missing"), spread)
        ids = (by_cell[domain, seed]["id"] for seed in seeds if (domain, seed) in by_cell)
        cells.append(replace(cell, runs=tuple(ids)))
    mean = mean_cell(cells, seeds, spread)
    selections = sorted({run["selection"] for run in runs if run["selection"]})
    names = {label, *(name for run in runs for name in (run["label"], run["call"]))}
    return Row(
        label=label,
        names=frozenset(canonical(name) for name in names),
        method=runs[0]["method"],
        config=runs[0]["config"],
        selection="/".join(selections),
        cells=tuple(cells),
        mean=mean,
    )


def _seed(run: dict[Any, Any]) -> SeedKey:
    return run["seed"], run["data_seed"]


def _cell(runs: dict[SeedKey, dict[Any, Any]], failed: int, missing: int, spread: Spread) -> Cell:
    values = {seed: float(run["accuracy"]) for seed, run in runs.items()}
    parts = {seed: run["parts"] for seed, run in runs.items() if run["parts"] is not None}
    return cell_of(values, failed, missing, spread, parts)
