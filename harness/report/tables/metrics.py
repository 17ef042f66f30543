"""Beyond accuracy: worst domain, accuracy per class, calibration, telling unknown classes apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from harness.errors import unknown_name
from harness.report.runs.predictions import FinishedRun, PredictionCache, finished_runs
from harness.report.runs.rows import SeedKey
from harness.report.stats import worst_domain
from harness.report.tables.cells import cell_of, mark_best, mean_cell
from harness.report.tables.columns import (
    AUROC,
    BEYOND,
    ECE,
    FPR95,
    MACRO,
    NLL,
    TOP5,
    WORST,
    Beyond,
)
from harness.report.tables.model import Cell, Row, Table

Scores = Mapping[tuple[str, SeedKey], float]
"""By domain and seed, in percent."""


def beyond(
    table: Table,
    frame: pd.DataFrame,
    predictions: PredictionCache,
    measures: Sequence[str] | None = None,
) -> Table | None:
    """Return the same rows with a column for each further measure, in percent.

    Each is a mean over domains within each seed, then over seeds; the worst domain is the lowest
    accuracy within each seed.

    Args:
        table: Of one block.
        frame: Its runs, as `aggregate.labelled` returns them.
        predictions: Of the same store. Where they are missing or cannot be read is a hole.
        measures: Some of `BEYOND`; by default all, but top-5 only where it is not 100 throughout,
            as it is with five classes.

    Returns:
        None if there is not one number, or the table shows validation scores.
    """
    if table.score != "target":
        return None
    scores: dict[tuple[str, str], dict[tuple[str, SeedKey], float]] = {}
    for run in finished_runs(frame):
        for name, share in _measured(run, predictions).items():
            if not np.isnan(share):
                own = scores.setdefault((run.label, name), {})
                own[run.target, run.seed] = 100 * share
    columns: dict[str, list[Cell]] = {}
    if len(table.domains) > 1:
        columns[WORST] = [_worst(row, table) for row in table.rows]
    for name in (MACRO, TOP5, ECE, NLL, AUROC, FPR95):
        columns[name] = [
            mean_over_domains(row, table, scores.get((row.label, name), {})) for row in table.rows
        ]
    shown = [name for name, cells in columns.items() if _shown(name, cells, measures)]
    if not shown:
        return None
    rows = [
        replace(row, cells=tuple(columns[name][i] for name in shown), mean=cell_of({}, 0, 0, "std"))
        for i, row in enumerate(table.rows)
    ]
    kind = Beyond()
    return replace(
        table,
        domains=tuple(shown),
        heads=tuple(shown),
        rows=tuple(_best(rows, [kind.lower_is_better(name) for name in shown], table.decimals)),
        kind=kind,
        has_mean=False,
        note="",
    )


def _shown(name: str, cells: Sequence[Cell], measures: Sequence[str] | None) -> bool:
    known = [cell.mean for cell in cells if cell.mean is not None]
    if measures is not None:
        return name in measures and bool(known)
    return any(mean < 100 for mean in known) if name == TOP5 else bool(known)


def check_measures(measures: Sequence[str]) -> None:
    """Raise UserError if one of them is unknown."""
    for name in measures:
        if name not in BEYOND:
            raise unknown_name("measure", name, BEYOND)


def _measured(run: FinishedRun, predictions: PredictionCache) -> dict[str, float]:
    """Return a run's measures, fractions or nats, as far as its predictions are there.

    Args:
        run: The run.
        predictions: Of its store.
    """
    shares: dict[str, float] = {}
    tested = predictions.measured(run)
    if tested is not None:
        shares |= {MACRO: tested.macro, ECE: tested.calibration}
        if tested.top5 is not None:
            shares[TOP5] = tested.top5
        if tested.nll is not None:
            shares[NLL] = tested.nll
    if not run.test_set:  # about all classes: so that it is not said three times
        shares |= dict(zip((AUROC, FPR95), predictions.separation(run), strict=False))
    return shares


def _worst(row: Row, table: Table) -> Cell:
    lowest = {}
    for seed in row.mean.by_seed:  # those that have all domains
        own = {name: c.by_seed[seed] for name, c in zip(table.domains, row.cells, strict=True)}
        lowest[seed] = worst_domain(own)[1]
    holes = row.mean.planned - len(lowest)
    return cell_of(lowest, 0, holes, table.spread, untrained=row.mean.deterministic)


def mean_over_domains(row: Row, table: Table, scores: Scores) -> Cell:
    """Return the mean over a table's domains within each seed, then over seeds."""
    seeds: list[SeedKey] = sorted({seed for _, seed in scores})
    own = [{s: scores[name, s] for s in seeds if (name, s) in scores} for name in table.domains]
    still = row.mean.deterministic
    cells = [cell_of(by_seed, 0, 0, table.spread, untrained=still) for by_seed in own]
    mean = mean_cell(cells, seeds, table.spread)
    return replace(mean, n_missing=row.mean.planned - mean.n)


def _best(rows: Sequence[Row], lower: Sequence[bool], decimals: int) -> list[Row]:
    """Mark the best of each column, which is the lowest where `lower` says so."""

    def turned(row: Row) -> Row:
        cells = zip(row.cells, lower, strict=True)
        return replace(row, cells=tuple(_negated(c) if low else c for c, low in cells))

    return [turned(row) for row in mark_best([turned(row) for row in rows], decimals)]


def _negated(cell: Cell) -> Cell:
    return cell if cell.mean is None else replace(cell, mean=-cell.mean)
