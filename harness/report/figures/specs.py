"""The numbers of the figures and tables that a sweep file asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.errors import UserError, unknown_name
from harness.report.tables.cells import mark_best
from harness.report.tables.join import joined
from harness.report.tables.model import Cell, Row, Table
from harness.sweep.calls import canonical
from harness.sweep.figures import AblationSpec, LineSpec, TableSpec


@dataclass(frozen=True)
class Bar:
    """One bar."""

    label: str
    cell: Cell
    gain: float | None
    """Points over the lowest bar of the group; None for that bar and for a missing one."""


@dataclass(frozen=True)
class Group:
    """The bars over one domain, or over the mean."""

    column: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Ablation:
    """Everything a picture of an ablation shows."""

    groups: tuple[Group, ...]
    bottom: float
    """Where the axis starts; 0 unless the bars would all look alike."""
    top: float


def tables_for(
    spec: AblationSpec | LineSpec | TableSpec, tables: Sequence[tuple[str, Table]]
) -> list[tuple[str, Table]]:
    """Return the tables that the figure is drawn from, one picture each, named for files.

    Args:
        spec: The figure.
        tables: One per block of the sweep, with the block's name.

    Raises:
        UserError: If no table has the figure's rows or measure.
    """
    chosen = list(tables)
    if spec.measure is not None:
        chosen = [(name, t) for name, t in chosen if t.key["measure"] == spec.measure]
        if not chosen:
            known = {str(table.key["measure"]) for _, table in tables}
            raise unknown_name("measure", spec.measure, known, f"in figure '{spec.name}'")
    if spec.over != "domains":
        wide = joined([table for _, table in chosen], spec.over)
        chosen = [(_short(table, wide), table) for table in wide]
    # No block has any of its rows: let the first one say which name is wrong.
    return [t for t in chosen if not spec.rows or _shows(t[1], spec.rows)] or chosen[:1]


def _short(table: Table, others: Sequence[Table]) -> str:
    """Name a joined table for files: by what tells it from the others of its figure."""
    if len(others) == 1:
        return ""
    fields = ("dataset", "model", "measure", "protocol")
    varying = [f for f in fields if len({str(other.key[f]) for other in others}) > 1]
    name = "-".join(str(table.key[field]) for field in varying) or str(others.index(table))
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in name).lower()


def _shows(table: Table, rows: Sequence[str]) -> bool:
    names = frozenset().union(*(row.names for row in table.rows))
    return any(canonical(row) in names for row in rows)


def columns_of(table: Table, spec: AblationSpec | LineSpec | TableSpec) -> tuple[str, ...]:
    """Return the columns a figure shows.

    Raises:
        UserError: For a column that the table has not.
    """
    if spec.columns is None:
        return table.columns
    for column in spec.columns:
        if column not in table.columns:
            raise unknown_name("column", column, table.columns, f"in figure '{spec.name}'")
    return spec.columns


def chosen_table(table: Table, spec: TableSpec) -> Table:
    """Return the rows and columns that a table of a sweep file asks for.

    Raises:
        UserError: For a row or column that is not there.
    """
    rows = [find_row(table, row, spec.name) for row in spec.rows] or list(table.rows)
    columns = columns_of(table, spec)
    kept = [i for i, name in enumerate(table.domains) if name in columns]
    return replace(
        table,
        domains=tuple(table.domains[i] for i in kept),
        heads=tuple(table.heads[i] for i in kept),
        rows=tuple(
            mark_best([replace(row, cells=tuple(row.cells[i] for i in kept)) for row in rows])
        ),
        has_mean=table.has_mean and table.mean_head in columns,
    )


def ablation_bars(table: Table, spec: AblationSpec) -> Ablation:
    """Return the numbers of an ablation figure.

    Raises:
        UserError: For a row or column that the table has not, or a row's name that fits several.
    """
    rows = [find_row(table, bar.row, spec.name) for bar in spec.bars]
    groups = []
    for column in columns_of(table, spec):
        cells = [table.cells(row)[table.columns.index(column)] for row in rows]
        groups.append(Group(column, _bars([bar.label for bar in spec.bars], cells)))
    bottom, top = _axis([bar.cell for group in groups for bar in group.bars])
    return Ablation(tuple(groups), bottom, top)


@dataclass(frozen=True)
class Line:
    """One column's cells along the axis, in the order of x."""

    column: str
    x: tuple[float, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Lines:
    """Everything a picture of a sensitivity shows."""

    lines: tuple[Line, ...]
    bottom: float
    top: float


def line_points(table: Table, spec: LineSpec) -> Lines:
    """Return the numbers of a line figure.

    Raises:
        UserError: For a row or column that the table has not, or a row's name that fits several.
    """
    points = sorted(spec.points, key=lambda point: point.x)
    rows = [find_row(table, point.row, spec.name) for point in points]
    x = tuple(point.x for point in points)
    lines = []
    for column in columns_of(table, spec):
        cells = [table.cells(row)[table.columns.index(column)] for row in rows]
        lines.append(Line(column, x, tuple(cells)))
    known = [
        (cell.mean, cell.spread or 0.0)
        for line in lines
        for cell in line.cells
        if cell.mean is not None
    ]
    if not known:
        return Lines(tuple(lines), 0.0, 100.0)
    # Points, unlike bars, are not read by their height over the foot of the axis.
    low, high = min(mean - s for mean, s in known), max(mean + s for mean, s in known)
    room = 0.15 * max(high - low, 1.0)
    return Lines(tuple(lines), max(0.0, math.floor(low - room)), high + room)


def find_row(table: Table, name: str, figure: str) -> Row:
    """Return the row that a figure calls `name`, by label or by call."""
    exact = [row for row in table.rows if row.label == name]
    found = exact or [row for row in table.rows if canonical(name) in row.names]
    if not found:
        raise unknown_name("row", name, [row.label for row in table.rows], f"in figure '{figure}'")
    if len(found) > 1:
        labels = ", ".join(row.label for row in found)
        raise UserError(f"figure '{figure}': row '{name}' may be any of {labels}; say which")
    return found[0]


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
