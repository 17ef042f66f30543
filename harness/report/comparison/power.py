"""How many seeds a gain needs, by how much a pilot's differences vary between seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.report.stats.mean import has_spread
from harness.report.stats.power import SeedsNeeded, seeds_for
from harness.report.tables.caption import title_text
from harness.report.tables.model import Cell, Table

GAINS = (0.25, 0.5, 1.0, 2.0)
"""Points."""


@dataclass(frozen=True)
class PowerRow:
    """A method against the reference on a target, or on the mean over targets."""

    label: str
    column: str
    n: int
    """Seeds that both have."""
    std: float | None
    """Of the paired differences in points; None for fewer than two seeds, or without spread."""
    seeds: tuple[SeedsNeeded, ...]
    """For each gain; empty without `std`."""


@dataclass(frozen=True)
class Power:
    """What a table's differences say of how many seeds to run."""

    about: str
    reference: str
    gains: tuple[float, ...]
    rows: tuple[PowerRow, ...]
    alpha: float
    power: float


def power_of(
    table: Table,
    reference: str,
    gains: tuple[float, ...] = GAINS,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Power:
    """Return how many seeds find each gain, by a paired t test over the seeds both methods have.

    Args:
        table: Of one block of the pilot.
        reference: The row that gains are over.
        gains: In points.
        alpha: Level of the test, two-sided, of one comparison alone.
        power: With which a gain is found.
    """
    (base,) = (row for row in table.rows if row.label == reference)
    rows = tuple(
        _row(row.label, column, mine, theirs, gains, alpha, power)
        for row in table.rows
        if row.label != reference
        for column, mine, theirs in zip(
            table.columns, table.cells(row), table.cells(base), strict=True
        )
    )
    return Power(title_text(table), reference, gains, rows, alpha, power)


def _row(
    label: str,
    column: str,
    mine: Cell,
    theirs: Cell,
    gains: tuple[float, ...],
    alpha: float,
    power: float,
) -> PowerRow:
    shared = sorted(mine.by_seed.keys() & theirs.by_seed.keys())
    differences = np.array([mine.by_seed[seed] - theirs.by_seed[seed] for seed in shared])
    if not has_spread(differences):
        return PowerRow(label, column, len(shared), None, ())
    std = float(differences.std(ddof=1))
    seeds = tuple(seeds_for(gain / std, alpha, power) for gain in gains)
    return PowerRow(label, column, len(shared), std, seeds)
