"""The results table as a picture, set like a table in a paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.figures.frame import Frame, styled
from harness.report.tables.caption import caption_text
from harness.report.tables.model import Cell, Table

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
        return _draw(table).encode(kind)


def _tail(table: Table, cell: Cell) -> str:
    return "".join(f" {part}" for part in table.text(cell)[1:] if part)


def _number_font(cell: Cell) -> dict[str, Any]:
    return {"fontsize": _SIZE, "fontweight": "bold" if cell.best else "normal"}


def _column(frame: Frame, head: str, cells: Sequence[Cell], table: Table) -> _Column:
    before = after = 0.0
    for cell in cells:
        if cell.mean is not None:
            number, tail = table.text(cell)[0], _tail(table, cell)
            before = max(before, frame.text_width(number, **_number_font(cell)))
            after = max(after, frame.text_width(tail, fontsize=_SMALL) if tail else 0.0)
    width = max(before + after, frame.text_width(head, fontsize=_SIZE), 0.4)
    return _Column(head, before, after, width)


def _draw(table: Table) -> Frame:
    frame = Frame()
    names = ["Method", *(row.label for row in table.rows)]
    first = max(frame.text_width(name, fontsize=_SIZE) for name in names)
    columns = [
        _column(frame, head, [table.cells(row)[i] for row in table.rows], table)
        for i, head in enumerate(table.column_heads)
    ]
    width = max(2 * _MARGIN + first + sum(_GAP + column.width for column in columns), 4.0)
    lines = frame.wrap(caption_text(table), width - 2 * _MARGIN, fontsize=_CAPTION)
    body = (len(table.rows) + 1) * _LINE + 0.16
    frame.resize(width, 2 * _MARGIN + body + 0.08 + len(lines) * _CAPTION_LINE)
    _rows(frame, table, columns, first)
    y = frame.height - _MARGIN - body - 0.04 - _CAPTION_LINE
    frame.lines(_MARGIN, y, lines, _CAPTION_LINE, fontsize=_CAPTION, color="#222222")
    return frame


def _rows(frame: Frame, table: Table, columns: Sequence[_Column], first: float) -> None:
    def rule(y: float, weight: float) -> None:
        frame.rule(_MARGIN, frame.width - _MARGIN, y, weight)

    top = frame.height - _MARGIN
    rule(top, 1.1)
    y = top - 0.04 - 0.73 * _LINE
    frame.text(_MARGIN, y, "Method", fontsize=_SIZE)
    lefts = []
    x = _MARGIN + first
    for column in columns:
        lefts.append(x + _GAP)
        frame.text(x + _GAP + column.width / 2, y, column.head, fontsize=_SIZE, ha="center")
        x += _GAP + column.width
    rule(top - 0.04 - _LINE, 0.6)
    y -= 0.06
    for row in table.rows:
        y -= _LINE
        frame.text(_MARGIN, y, row.label, fontsize=_SIZE)
        for left, column, cell in zip(lefts, columns, table.cells(row), strict=True):
            number = table.text(cell)[0]
            if cell.mean is None:
                middle = left + column.width / 2
                frame.text(middle, y, number, fontsize=_SIZE, ha="center", color=_GREY)
                continue
            split = left + (column.width - column.before - column.after) / 2 + column.before
            frame.text(split, y, number, ha="right", **_number_font(cell))
            tail = _tail(table, cell)
            if tail:
                frame.text(split, y, tail, fontsize=_SMALL, color=_GREY)
    rule(top - (len(table.rows) + 1) * _LINE - 0.16, 1.1)
