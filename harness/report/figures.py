"""Figures a sweep file asks for: what to draw, and the numbers in it.

A sweep file names rows of its own table::

    figures:
      - kind: ablation
        name: ablation
        title: Attention alignment (AAL) and semantic label smoothing (SLS)
        bars:
          - {label: neither, row: "alignclip without both"}
          - {label: SLS, row: "alignclip[alignment_weight=0]"}
        columns: [noto, twemoji, mean]        # optional: by default all domains and the mean
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UserError, unknown_name
from harness.report.names import canonical
from harness.report.table import Cell, Row, Table
from harness.specs import validated
from harness.store import SweepPlan


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BarSpec(_Part):
    """One bar of every group."""

    label: str
    """What the legend calls it."""
    row: str
    """A row of the sweep: its label, or its ``method[param=value]``."""


class FigureSpec(_Part):
    """A figure of a sweep file."""

    kind: Literal["ablation"] = "ablation"
    """Grouped bars, with the gain over the lowest bar of each group."""
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Also the name of the file."""
    title: str = ""
    bars: tuple[BarSpec, ...] = Field(min_length=1)
    columns: tuple[str, ...] | None = None
    """Domains, and `mean`; all of them by default."""


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


def figures_of(plan: SweepPlan) -> list[FigureSpec]:
    """Return the figures a sweep asks for.

    Raises:
        UserError: Naming the sweep, the figure and the field.
    """
    found = plan.source.get("figures") or []
    if not isinstance(found, list):
        raise UserError(f"sweep '{plan.name}': 'figures' is {found!r}; give a list of figures")
    where = f"sweep '{plan.name}', figure"
    specs = [validated(FigureSpec, value, f"{where} {i + 1}") for i, value in enumerate(found)]
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{where} '{name}' is there {names.count(name)} times; rename one")
    return specs


def shows(table: Table, spec: FigureSpec) -> bool:
    """Tell whether any row of the figure is in the table."""
    names = frozenset().union(*(row.names for row in table.rows))
    return any(canonical(bar.row) in names for bar in spec.bars)


def ablation_bars(table: Table, spec: FigureSpec) -> Ablation:
    """Return the numbers of an ablation figure.

    Raises:
        UserError: For a row or column that the table has not, or a row's name that fits several.
    """
    rows = [_find(table, bar.row, spec.name) for bar in spec.bars]
    columns = (*table.domains, table.mean_head)
    chosen = columns if spec.columns is None else spec.columns
    groups = []
    for column in chosen:
        if column not in columns:
            raise unknown_name("column", column, columns, f"in figure '{spec.name}'")
        cells = [row.all_cells()[columns.index(column)] for row in rows]
        groups.append(Group(column, _bars([bar.label for bar in spec.bars], cells)))
    bottom, top = _axis([bar.cell for group in groups for bar in group.bars])
    return Ablation(tuple(groups), bottom, top)


def _find(table: Table, name: str, figure: str) -> Row:
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
