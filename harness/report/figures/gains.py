"""The numbers of an ablation: bars in groups, and the gain of each over its group's lowest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.report.figures.rows import columns_of, find_row
from harness.report.tables.model import Cell, Table
from harness.sweep.figures import AblationSpec


@dataclass(frozen=True)
class Bar:
    """One bar."""

    label: str
    cell: Cell
    gain: float | None
    """Points over the lowest bar of the group; None for that bar and for a missing one."""


@dataclass(frozen=True)
class BarGroup:
    """The bars over one domain, or over the mean."""

    column: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Ablation:
    """Everything a picture of an ablation shows."""

    groups: tuple[BarGroup, ...]
    bottom: float
    """Where the axis starts; 0 unless the bars would all look alike."""
    top: float


def ablation_bars(table: Table, spec: AblationSpec) -> Ablation:
    """Return the numbers of an ablation figure.

    Raises:
        UserError: For a row or column that the table has not, or a row's name that fits several.
    """
    rows = [find_row(table, bar.row, spec.name) for bar in spec.bars]
    groups = []
    for column in columns_of(table, spec):
        cells = [table.cells(row)[table.columns.index(column)] for row in rows]
        groups.append(BarGroup(column, _bars([bar.label for bar in spec.bars], cells)))
    bottom, top = _axis([bar.cell for group in groups for bar in group.bars])
    return Ablation(tuple(groups), bottom, top)


def _bars(labels: list[str], cells: list[Cell]) -> tuple[Bar, ...]:
    known = [cell.mean for cell in cells if cell.mean is not None]
    lowest = min(known, default=0.0)
    # gains are of the printed numbers' kind: the first lowest bar carries none, an equal one +0.0
    first = next((i for i, cell in enumerate(cells) if cell.mean == lowest), -1)
    return tuple(
        Bar(label, cell, None if cell.mean is None or i == first else cell.mean - lowest)
        for i, (label, cell) in enumerate(zip(labels, cells, strict=True))
    )


def _axis(cells: list[Cell]) -> tuple[float, float]:
    """Start at zero unless that squeezes all differences into the upper half of the axis."""
    known = [(cell.mean, cell.spread or 0.0) for cell in cells if cell.mean is not None]
    if not known:
        return 0.0, 100.0
    low = min(mean - spread for mean, spread in known)
    high = max(mean + spread for mean, spread in known)
    room = max(high - low, 1.0)
    step = 10.0 if room > 15 else 5.0 if room > 5 else 1.0
    bottom = 0.0
    if low > room:
        bottom = max(0.0, math.floor((low - 0.5 * room) / step) * step)
    return bottom, min(high + 0.14 * (high - bottom), 112.0)
