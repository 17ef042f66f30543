"""The numbers of an ablation: bars in groups, and the gain of each over one of its group."""

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
    """Points over the baseline, or over the lowest bar of the group; None for that bar itself,
    for a missing one, and where the baseline is missing."""


@dataclass(frozen=True)
class BarGroup:
    """The bars over one domain, or over the mean."""

    column: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Ablation:
    """Everything a picture of an ablation shows."""

    groups: tuple[BarGroup, ...]
    over: str
    """What gains are over, in words."""
    bottom: float
    """Where the axis starts; 0 unless the bars would all look alike."""
    top: float


def ablation_bars(table: Table, spec: AblationSpec) -> Ablation:
    """Return the numbers of an ablation figure.

    Raises:
        UserError: For a row or column that the table has not, or a row's name that fits several.
    """
    rows = [find_row(table, bar.row, spec.name) for bar in spec.bars]
    labels, zero = [bar.label for bar in spec.bars], spec.zero
    groups = []
    for column in columns_of(table, spec):
        cells = [table.cells(row)[table.columns.index(column)] for row in rows]
        groups.append(BarGroup(column, _bars(labels, cells, zero)))
    bottom, top = _axis([bar.cell for group in groups for bar in group.bars])
    over = "the lowest bar of the group" if zero is None else f"'{labels[zero]}'"
    return Ablation(tuple(groups), over, bottom, top)


def _bars(labels: list[str], cells: list[Cell], zero: int | None) -> tuple[Bar, ...]:
    means = [cell.mean for cell in cells]
    if zero is None:  # the first lowest bar carries no gain, an equal one +0.0
        zero = means.index(min((mean for mean in means if mean is not None), default=None))
    base = means[zero]
    return tuple(
        Bar(
            label,
            cell,
            None if cell.mean is None or base is None or i == zero else cell.mean - base,
        )
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
