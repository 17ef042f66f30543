"""From runs to a table: per method and held-out domain, mean ± spread over seeds."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from harness.errors import UserError
from harness.measures import harmonic_mean
from harness.report.blocks import FIELDS, Block, blocks
from harness.report.frame import load_frame
from harness.report.names import canonical, disambiguate
from harness.report.spread import Spread, spread_of
from harness.report.table import Cell, Row, Table

__all__ = ["Block", "Cell", "Row", "Table", "blocks", "load_frame", "summarise"]

SeedKey = tuple[int, int]


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
    rows = _best([_row(label, own, domains, spread) for label, own in _variants(runs)])
    counts = Counter(cell.n for row in rows for cell in row.cells if cell.complete)
    usual = max(counts, key=lambda n: (counts[n], n)) if counts else 0
    states = Counter({run["id"]: run["status"] for run in runs}.values())
    return Table(
        key=parts[0].key,
        domains=domains,
        heads=domains,
        rows=tuple(rows),
        spread=spread,
        usual_n=usual,
        n_runs=states.total(),
        n_failed=states["failed"],
        n_missing=states["missing"],
    )


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
    scores: dict[tuple[str, SeedKey], float] = {
        at: run["accuracy"] for at, run in by_cell.items() if run["status"] == "done"
    }
    cells = []
    for domain in domains:
        values = [scores[domain, seed] for seed in seeds if (domain, seed) in scores]
        states = [by_cell.get((domain, seed), {"status": "missing"})["status"] for seed in seeds]
        cells.append(_cell(values, states.count("failed"), states.count("missing"), spread))
    whole = [seed for seed in seeds if all((domain, seed) in scores for domain in domains)]
    means = [_mean([by_cell[domain, seed] for domain in domains]) for seed in whole]
    selections = sorted({run["selection"] for run in runs if run["selection"]})
    names = {label, *(name for run in runs for name in (run["label"], run["call"]))}
    return Row(
        label=label,
        names=frozenset(canonical(name) for name in names),
        method=runs[0]["method"],
        selection="/".join(selections),
        cells=tuple(cells),
        mean=_cell(means, 0, len(seeds) - len(whole), spread),
    )


def _mean(runs: Sequence[dict[Any, Any]]) -> float:
    """Return one seed's mean over domains; of H it is the H of the means."""
    if runs[0]["measure"] == "H":
        base, new = (statistics.fmean(run["parts"][i] for run in runs) for i in (0, 1))
        return harmonic_mean(base, new)
    return statistics.fmean(run["accuracy"] for run in runs)


def _seed(run: dict[Any, Any]) -> SeedKey:
    return run["seed"], run["data_seed"]


def _cell(values: Sequence[float], failed: int, missing: int, spread: Spread) -> Cell:
    mean = statistics.fmean(values) if values else None
    return Cell(mean, spread_of(values, spread), len(values), failed, missing)


def _best(rows: Sequence[Row]) -> list[Row]:
    """Mark the best complete cells of each column; what prints the same is a tie."""
    columns = list(zip(*(row.all_cells() for row in rows), strict=True))
    marked = [_mark(column) for column in columns]
    out = []
    for row, cells in zip(rows, zip(*marked, strict=True), strict=True):
        out.append(replace(row, cells=tuple(cells[:-1]), mean=cells[-1]))
    return out


def _mark(column: Sequence[Cell]) -> list[Cell]:
    printed = [f"{cell.mean:.1f}" if cell.complete else None for cell in column]
    known = [float(text) for text in printed if text is not None]
    if len(known) < 2:  # the best of one is no finding
        return list(column)
    top = f"{max(known):.1f}"
    return [replace(cell, best=text == top) for cell, text in zip(column, printed, strict=True)]
