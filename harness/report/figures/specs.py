"""Figures and tables a sweep file asks for: what to draw, and the numbers in it.

A sweep file names rows of its own table::

    figures:
      - kind: ablation
        name: ablation
        title: Attention alignment (AAL) and semantic label smoothing (SLS)
        bars:
          - {label: neither, row: "alignclip without both"}
          - {label: SLS, row: "alignclip[alignment_weight=0]"}
        columns: [noto, twemoji, mean]        # optional: by default all columns and the mean
      - kind: line
        name: layers
        x_label: Aligned layers
        points:
          - {x: 0, row: "alignclip[aligned_layers=0]"}
          - {x: 5, row: AlignCLIP}
      - kind: table
        name: table1
        over: datasets                        # a column for each data set, then their mean
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UserError, unknown_name
from harness.report.runs.labels import canonical
from harness.report.tables.cells import mark_best
from harness.report.tables.join import joined
from harness.report.tables.model import Cell, Row, Table
from harness.specs import validated
from harness.store.store import SweepPlan


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BarSpec(_Part):
    """One bar of every group."""

    label: str
    """What the legend calls it."""
    row: str
    """A row of the sweep: its label, or its ``method[param=value]``."""


class PointSpec(_Part):
    """One place on a line's axis."""

    x: float
    """The parameter's value."""
    row: str
    """A row of the sweep: its label, or its ``method[param=value]``."""


class _Figure(_Part):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Also the name of the file."""
    title: str = ""
    over: Literal["domains", "datasets", "models", "measures"] = "domains"
    """What the columns are: held-out domains, or data sets, models or measures side by side."""
    measure: str | None = None
    """Only the tables of this measure (`base`, `new`, `H` ...); by default one figure for each."""
    columns: tuple[str, ...] | None = None
    """Some of the columns, and `mean`; all of them by default."""


class AblationSpec(_Figure):
    """Grouped bars, with the gain over the lowest bar of each group."""

    kind: Literal["ablation"] = "ablation"
    bars: tuple[BarSpec, ...] = Field(min_length=1)

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows that the figure shows."""
        return tuple(bar.row for bar in self.bars)


class LineSpec(_Figure):
    """Accuracy against a parameter: a line for each column, its band the spread over seeds."""

    kind: Literal["line"]
    x_label: str = ""
    """What the parameter is called."""
    points: tuple[PointSpec, ...] = Field(min_length=2)

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows that the figure shows."""
        return tuple(point.row for point in self.points)


class TableSpec(_Figure):
    """A table of its own: some rows, or data sets, backbones or measures as columns."""

    kind: Literal["table"]
    rows: tuple[str, ...] = ()
    """Some of the sweep's rows, in this order; all of them by default."""


FigureSpec = Annotated[AblationSpec | LineSpec | TableSpec, Field(discriminator="kind")]
_KINDS: dict[Any, type[_Part]] = {
    "ablation": AblationSpec, "line": LineSpec, "table": TableSpec,
}  # fmt: skip


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


def figure_spec(value: Any, where: str) -> AblationSpec | LineSpec | TableSpec:
    """Validate one entry of a sweep's figures; without a `kind` it is an ablation.

    Raises:
        UserError: Naming the place, the field and the value.
    """
    kind = value.get("kind", "ablation") if isinstance(value, dict) else "ablation"
    if kind not in _KINDS:
        raise UserError(f"{where}: field 'kind' is {kind!r}; use {', '.join(_KINDS)}")
    spec: AblationSpec | LineSpec | TableSpec = validated(_KINDS[kind], value, where)
    return spec


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse two figures of one name: they would be one file.

    Raises:
        UserError: Naming the figure.
    """
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{where} '{name}' is there {names.count(name)} times; rename one")


def figures_of(plan: SweepPlan) -> list[AblationSpec | LineSpec | TableSpec]:
    """Return the figures a sweep asks for.

    Raises:
        UserError: Naming the sweep, the figure and the field.
    """
    found = plan.source.get("figures") or []
    if not isinstance(found, list):
        raise UserError(f"sweep '{plan.name}': 'figures' is {found!r}; give a list of figures")
    where = f"sweep '{plan.name}', figure"
    specs = [figure_spec(value, f"{where} {i + 1}") for i, value in enumerate(found)]
    check_names([spec.name for spec in specs], where)
    return specs


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
