"""The results table as a picture, set like a table in a paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report.figures.frame import encode, new_figure, styled, text_width, wrap
from harness.report.tables.caption import caption_text
from harness.report.tables.model import Cell, Table, cell_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches, and points for type.
_LINE, _MARGIN, _GAP, _SIZE, _SMALL = 0.235, 0.12, 0.28, 11.5, 8.5
_CAPTION_LINE, _CAPTION = 0.165, 8.8
_GREY = "#555555"


@dataclass(frozen=True)
class _Column:
    """Numbers end at the same place and what follows them starts there: points line up."""

    head: str
    before: float
    after: float
    width: float


def table_picture(table: Table, kind: str = "png") -> bytes:
    """Return the table as ``png`` (200 dots per inch) or ``pdf``."""
    with styled():
        return encode(_draw(table), kind)


def _tail(cell: Cell, usual_n: int) -> str:
    return "".join(f" {part}" for part in cell_text(cell, usual_n)[1:] if part)


def _number_font(cell: Cell) -> dict[str, Any]:
    return {"fontsize": _SIZE, "fontweight": "bold" if cell.best else "normal"}


def _draw(table: Table) -> Figure:
    probe = new_figure(1, 1)
    labels = [text_width(probe, row.label, fontsize=_SIZE) for row in table.rows]
    first = max([text_width(probe, "Method", fontsize=_SIZE), *labels])
    columns = []
    for i, head in enumerate(table.column_heads):
        cells = [table.cells(row)[i] for row in table.rows]
        before = after = 0.0
        for cell in cells:
            number = cell_text(cell, table.usual_n)[0]
            if cell.mean is not None:
                before = max(before, text_width(probe, number, **_number_font(cell)))
                tail = _tail(cell, table.usual_n)
                after = max(after, text_width(probe, tail, fontsize=_SMALL) if tail else 0.0)
        width = max(before + after, text_width(probe, head, fontsize=_SIZE), 0.4)
        columns.append(_Column(head, before, after, width))
    width = 2 * _MARGIN + first + sum(_GAP + column.width for column in columns)
    width = max(width, 4.0)
    lines = wrap(probe, caption_text(table), width - 2 * _MARGIN, fontsize=_CAPTION)
    body = (len(table.rows) + 1) * _LINE + 0.16
    height = 2 * _MARGIN + body + 0.08 + len(lines) * _CAPTION_LINE
    figure = new_figure(width, height)
    _rows(figure, table, columns, width, height, first)
    y = height - _MARGIN - body - 0.08
    for line in lines:
        y -= _CAPTION_LINE
        figure.text(_MARGIN / width, (y + 0.04) / height, line, fontsize=_CAPTION, color="#222222")
    return figure


def _rows(
    figure: Figure, table: Table, columns: list[_Column], width: float, height: float, first: float
) -> None:
    def put(x: float, y: float, text: str, **style: Any) -> None:
        figure.text(x / width, y / height, text, va="baseline", **style)

    top = height - _MARGIN
    _rule(figure, top, width, height, 1.1)
    y = top - 0.04 - 0.73 * _LINE
    put(_MARGIN, y, "Method", fontsize=_SIZE)
    lefts = []
    x = _MARGIN + first
    for column in columns:
        lefts.append(x + _GAP)
        put(x + _GAP + column.width / 2, y, column.head, fontsize=_SIZE, ha="center")
        x += _GAP + column.width
    _rule(figure, top - 0.04 - _LINE, width, height, 0.6)
    y -= 0.06
    for row in table.rows:
        y -= _LINE
        put(_MARGIN, y, row.label, fontsize=_SIZE)
        for left, column, cell in zip(lefts, columns, table.cells(row), strict=True):
            number = cell_text(cell, table.usual_n)[0]
            if cell.mean is None:
                put(left + column.width / 2, y, number, fontsize=_SIZE, ha="center", color=_GREY)
                continue
            split = left + (column.width - column.before - column.after) / 2 + column.before
            put(split, y, number, ha="right", **_number_font(cell))
            tail = _tail(cell, table.usual_n)
            if tail:
                put(split, y, tail, fontsize=_SMALL, color=_GREY)
    _rule(figure, top - (len(table.rows) + 1) * _LINE - 0.16, width, height, 1.1)


def _rule(figure: Figure, y: float, width: float, height: float, weight: float) -> None:
    from matplotlib.lines import Line2D

    span = [_MARGIN / width, 1 - _MARGIN / width]
    line = Line2D(span, [y / height] * 2, color="black", linewidth=weight)
    figure.add_artist(line)
