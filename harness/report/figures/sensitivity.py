"""Accuracy against a parameter, with the spread over seeds as a band."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.figures.frame import PALETTE, dress, plot, styled
from harness.report.figures.notes import axis_label, footnote
from harness.report.figures.rows import columns_of, find_row
from harness.report.tables.model import Cell, Table
from harness.sweep.figures import CurveSpec, LineSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_COLOURS = ("#000000", *PALETTE[1:])
"""The mean is black and thick; the light grey of bars would be too faint for a line."""


@dataclass(frozen=True)
class Curve:
    """One column's (or one row's) cells along the axis, in the order of x."""

    column: str
    """What the legend calls it."""
    x: tuple[float, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Sensitivity:
    """Everything a picture of a sensitivity shows."""

    curves: tuple[Curve, ...]
    bottom: float
    top: float


def line_points(table: Table, spec: LineSpec | CurveSpec) -> Sensitivity:
    """Return the numbers of a line figure.

    Raises:
        UserError: For a row or column that the table has not, or a row's name that fits several.
    """
    curves = _rows(table, spec) if isinstance(spec, CurveSpec) else _columns(table, spec)
    known = [
        (cell.mean, cell.spread or 0.0)
        for curve in curves
        for cell in curve.cells
        if cell.mean is not None
    ]
    if not known:
        return Sensitivity(tuple(curves), 0.0, 100.0)
    # Points, unlike bars, are not read by their height over the foot of the axis.
    low, high = min(mean - s for mean, s in known), max(mean + s for mean, s in known)
    room = 0.15 * max(high - low, 1.0)
    return Sensitivity(tuple(curves), max(0.0, math.floor(low - room)), high + room)


def _rows(table: Table, spec: CurveSpec) -> list[Curve]:
    """Return a curve for each row, along the columns, which are numbers."""
    rows = [find_row(table, row, spec.name) for row in spec.rows] or list(table.rows)
    order = sorted(range(len(table.domains)), key=lambda i: float(table.domains[i]))
    x = tuple(float(table.domains[i]) for i in order)
    return [Curve(row.label, x, tuple(row.cells[i] for i in order)) for row in rows]


def _columns(table: Table, spec: LineSpec) -> list[Curve]:
    """Return a curve for each column, along the rows that the points name."""
    points = sorted(spec.points, key=lambda point: point.x)
    rows = [find_row(table, point.row, spec.name) for point in points]
    x = tuple(point.x for point in points)
    curves = []
    for column in columns_of(table, spec):
        cells = [table.cells(row)[table.columns.index(column)] for row in rows]
        curves.append(Curve(column, x, tuple(cells)))
    return curves


def line_picture(table: Table, spec: LineSpec | CurveSpec, kind: str = "png") -> bytes:
    """Return the figure as ``png`` (200 dots per inch) or ``pdf``."""
    data = line_points(table, spec)
    with styled():
        cells = [cell for curve in data.curves for cell in curve.cells]
        notes = footnote(table, cells, data.bottom, "bands", "point")
        frame, axes = plot(5.6, 2.7, notes, spec.title, sides=(0.62, 0.18), labels=0.73, head=0.45)
        _draw(axes, data, table.mean_head if table.has_mean else "")
        dress(axes, axis_label(table), 10.5, 9.5)
        axes.set_xlabel(spec.x_label, fontsize=10.5)
        columns = min(len(data.curves), 5)
        frame.legend(axes, 0.05, ncols=columns, fontsize=9.5, handlelength=1.6, columnspacing=1.2)
        return frame.encode(kind)


def _draw(axes: Axes, data: Sensitivity, mean: str) -> None:
    others = iter(range(1, 1 + len(data.curves)))
    for curve in data.curves:
        index = 0 if curve.column == mean else next(others)
        known = [
            (x, cell.mean, cell.spread or 0.0)
            for x, cell in zip(curve.x, curve.cells, strict=True)
            if cell.mean is not None
        ]
        if not known:
            continue
        x, y, spread = (list(values) for values in zip(*known, strict=True))
        colour = _COLOURS[index % len(_COLOURS)]
        low = [a - b for a, b in zip(y, spread, strict=True)]
        high = [a + b for a, b in zip(y, spread, strict=True)]
        axes.fill_between(x, low, high, color=colour, alpha=0.14, linewidth=0, zorder=1)
        axes.plot(
            x,
            y,
            color=colour,
            marker=_MARKERS[index % len(_MARKERS)],
            markersize=4,
            linewidth=2.2 if index == 0 else 1.3,
            label=curve.column,
            zorder=3 if index else 4,
        )
    axes.set_ylim(data.bottom, data.top)
    axes.set_xticks(sorted({x for curve in data.curves for x in curve.x}))
    axes.tick_params(axis="x", labelsize=9.5, width=0.7)
