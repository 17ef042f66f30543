"""Cells of a table: means, spreads, what is best."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.protocols.measures import harmonic_mean
from harness.report.runs.rows import SeedKey
from harness.report.tables.model import Cell, Row
from harness.report.tables.spread import Spread, spread_of


def cell_of(
    scores: Mapping[SeedKey, float],
    failed: int,
    missing: int,
    spread: Spread,
    base_new: Mapping[SeedKey, tuple[float, float]] | None = None,
    untrained: bool = False,
) -> Cell:
    """Return the cell of some seeds' scores.

    The mean is correctly rounded (fmean), so that it does not depend on the order of the seeds.
    An untrained method whose seeds all give the same (not those whose test images follow the
    seed) is deterministic.
    """
    numbers = list(scores.values())
    same = untrained and len(numbers) > 1 and len(set(numbers)) == 1
    return Cell(
        mean=statistics.fmean(numbers) if numbers else None,
        spread=None if same else spread_of(numbers, spread),
        n=len(numbers),
        n_failed=failed,
        n_missing=missing,
        by_seed=scores,
        base_new=base_new or {},
        deterministic=same,
    )


def mean_cell(cells: Sequence[Cell], seeds: Sequence[SeedKey], spread: Spread) -> Cell:
    """Return the mean over cells within each seed, then over the seeds that all of them have.

    Of harmonic means it is the harmonic mean of the averages (CoCoOp's tables).
    """
    whole = [seed for seed in seeds if cells and all(seed in cell.by_seed for cell in cells)]
    base_new: dict[SeedKey, tuple[float, float]] = {}
    if all(cell.base_new for cell in cells):
        for seed in whole:
            base, new = (statistics.fmean(cell.base_new[seed][i] for cell in cells) for i in (0, 1))
            base_new[seed] = base, new
        scores = {seed: harmonic_mean(*base_new[seed]) for seed in whole}
    else:
        scores = {seed: statistics.fmean(c.by_seed[seed] for c in cells) for seed in whole}
    untrained = all(cell.deterministic for cell in cells)
    cell = cell_of(scores, 0, len(seeds) - len(whole), spread, base_new, untrained)
    return replace(cell, runs=tuple(dict.fromkeys(run for own in cells for run in own.runs)))


def mark_best(rows: Sequence[Row], decimals: int = 1) -> list[Row]:
    """Mark the best complete cells of each column; what prints the same is a tie.

    Of weights trained elsewhere, by themselves, none is.
    """
    if all(row.elsewhere for row in rows):
        return list(rows)
    columns = list(zip(*((*row.cells, row.mean) for row in rows), strict=True))
    marked = [_mark(column, decimals) for column in columns]
    out = []
    for row, cells in zip(rows, zip(*marked, strict=True), strict=True):
        out.append(replace(row, cells=tuple(cells[:-1]), mean=cells[-1]))
    return out


def _mark(column: Sequence[Cell], decimals: int) -> list[Cell]:
    printed = [f"{cell.mean:.{decimals}f}" if cell.complete else None for cell in column]
    known = [float(text) for text in printed if text is not None]
    if len(known) < 2:  # the best of one is no finding
        return [replace(cell, best=False) for cell in column]
    top = f"{max(known):.{decimals}f}"
    return [replace(cell, best=text == top) for cell, text in zip(column, printed, strict=True)]


def usual_n(rows: Sequence[Row]) -> int:
    """Return the number of seeds that most complete cells have, 0 if there is none."""
    counts = Counter(cell.n for row in rows for cell in row.cells if cell.complete)
    return max(counts, key=lambda n: (counts[n], n)) if counts else 0
