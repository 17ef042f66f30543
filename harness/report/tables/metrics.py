"""Beyond accuracy: worst domain, accuracy per class, calibration, telling unknown classes apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from harness.report.comparison.images import Answers, part
from harness.report.stats import auroc, calibration_error, macro_accuracy, worst_domain
from harness.report.tables.cells import cell_of, mark_best, mean_cell
from harness.report.tables.model import Cell, Row, SeedKey, Table

WORST, MACRO, ECE, AUROC = "worst domain", "per class", "ECE", "AUROC"
_Values = dict[tuple[str, SeedKey], float]


def beyond(table: Table, frame: pd.DataFrame, answers: Answers) -> Table | None:
    """Return the same rows with a column for each further measure, in percent.

    Each is a mean over domains within each seed, then over seeds; the worst domain is the lowest
    accuracy within each seed.

    Args:
        table: Of one block.
        frame: Its runs, as `aggregate.labelled` returns them.
        answers: Their predictions. Where they are missing or cannot be read is a hole.

    Returns:
        None if there is not one number, or the table shows validation scores.
    """
    if table.score != "target":
        return None
    by_label = _by_label(frame, answers)
    columns: dict[str, list[Cell]] = {}
    if len(table.domains) > 1:
        columns[WORST] = [_worst(row, table) for row in table.rows]
    for name in (MACRO, ECE, AUROC):
        columns[name] = [
            _mean(row, table, by_label.get(row.label, {}).get(name, {})) for row in table.rows
        ]
    shown = [name for name, cells in columns.items() if any(c.mean is not None for c in cells)]
    if not shown:
        return None
    rows = [
        replace(row, cells=tuple(columns[name][i] for name in shown), mean=cell_of({}, 0, 0, "std"))
        for i, row in enumerate(table.rows)
    ]
    return replace(
        table, domains=tuple(shown), heads=tuple(shown), rows=tuple(_best(rows, shown)),
        over="beyond", has_mean=False, note="",
    )  # fmt: skip


def _by_label(frame: pd.DataFrame, answers: Answers) -> dict[str, dict[str, _Values]]:
    found: dict[str, dict[str, _Values]] = {}
    runs: list[dict[Any, Any]] = frame.to_dict("records")
    for run in runs:
        own = found.setdefault(run["label"], {})
        for name, value in _measured(run, answers).items():
            if not np.isnan(value):
                at = run["target"], (run["seed"], run["data_seed"])
                own.setdefault(name, {})[at] = 100 * value
    return found


def _measured(run: dict[Any, Any], answers: Answers) -> dict[str, float]:
    """Return a run's measures as fractions, as far as its predictions are there."""
    values = {}
    tested = answers.tested(run)
    if tested is not None:
        values[MACRO] = macro_accuracy(tested.label, tested.prediction)
        values[ECE] = calibration_error(tested.confidence, tested.prediction == tested.label)
    everything = answers.of(run["id"]) if _tells_apart(run) else None
    if everything is not None:
        known = part(everything, run, "base")
        unknown = part(everything, run, "new" if run["protocol"] == "open_class" else "open")
        if known is not None and unknown is not None:
            values[AUROC] = auroc(known.score, unknown.score)
    return values


def _tells_apart(run: dict[Any, Any]) -> bool:
    """Only in the tables that are about all classes, so that it is not said three times."""
    return run["status"] == "done" and run["measure"] in ("H", "all")


def _worst(row: Row, table: Table) -> Cell:
    values = {}
    for seed in row.mean.by_seed:  # those that have all domains
        own = {name: c.by_seed[seed] for name, c in zip(table.domains, row.cells, strict=True)}
        values[seed] = worst_domain(own)[1]
    return cell_of(values, 0, row.mean.planned - len(values), table.spread)


def _mean(row: Row, table: Table, values: Mapping[tuple[str, SeedKey], float]) -> Cell:
    seeds: list[SeedKey] = sorted({seed for _, seed in values})
    cells = [
        cell_of({s: values[name, s] for s in seeds if (name, s) in values}, 0, 0, table.spread)
        for name in table.domains
    ]
    mean = mean_cell(cells, seeds, table.spread)
    return replace(mean, n_missing=row.mean.planned - mean.n)


def _best(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Mark the best of each column, which for errors is the lowest."""

    def turned(row: Row) -> Row:
        cells = zip(names, row.cells, strict=True)
        return replace(row, cells=tuple(_negated(c) if name == ECE else c for name, c in cells))

    return [turned(row) for row in mark_best([turned(row) for row in rows])]


def _negated(cell: Cell) -> Cell:
    return cell if cell.mean is None else replace(cell, mean=-cell.mean)
