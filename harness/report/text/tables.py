"""A results table as Markdown, CSV, JSON, LaTeX, and for the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.report.tables.caption import caption_text, notes_text, short_caption, title_text
from harness.report.tables.model import Cell, Row, Table
from harness.report.text import grid
from harness.report.text.grid import Grid, GridCell

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_BLOCK = ("dataset", "model", "precision", "protocol", "measure")
_SHARED = (*_BLOCK, "test_on", "disjoint_groups", "shots")


def _grid(table: Table, first_head: str = "method", label: str = "", bold: bool = True) -> Grid:
    return Grid(
        (first_head, *table.column_heads),
        tuple(
            (GridCell(row.label), *(_cell(cell, table) for cell in table.cells(row)))
            for row in table.rows
        ),
        align="l" + "c" * len(table.column_heads),
        caption=caption_text(table, bold=bold),
        short=short_caption(table),
        notes=notes_text(table),
        label=label,
        title=title_text(table),
    )


def _cell(cell: Cell, table: Table) -> GridCell:
    number, spread, note = table.text(cell)
    style = "red" if number == "failed" else ""
    return GridCell(number, spread, note, best=cell.best, style=style)


def _shared(table: Table, row: Row, field: str) -> object:
    return row.method if field == "model" and row.elsewhere else table.key[field]


def to_markdown(table: Table) -> str:
    """Return a GitHub table with its caption below."""
    return grid.to_markdown(_grid(table))


def to_latex(table: Table, label: str = "tab:results") -> str:
    """Return a booktabs table."""
    return grid.to_latex(_grid(table, "Method", label))


def to_terminal(table: Table, width: int | None = None, bold: bool = True) -> RichTable:
    """Return a rich table.

    Args:
        table: The table.
        width: Of the terminal; a table that exceeds it has each spread below its mean.
        bold: Whether bold can be seen, as it cannot in a file.
    """
    return grid.to_terminal(_grid(table, bold=bold), width)


def lines(*tables: Table) -> grid.Lines:
    """Return the numbers unrounded, one line per table, method and domain.

    The line whose domain is `table.mean_head` is the mean over domains. ``missing`` counts
    runs without a result, ``failed`` those of them that failed.
    """
    numbers = ("mean", "spread", "spread_kind", "seeds", "missing", "failed", "selection")
    rows = (
        [
            *(row.label, domain, cell.mean, cell.spread, table.spread, cell.n),
            *(cell.n_missing + cell.n_failed, cell.n_failed, row.selection),
            *(_shared(table, row, field) for field in _SHARED),
        ]
        for table in tables
        for row in table.rows
        for domain, cell in zip(table.columns, table.cells(row), strict=True)
    )
    return grid.Lines(["method", "domain", *numbers, *_SHARED], rows)


def to_json(table: Table) -> str:
    """Return the table with what stands behind each number: spread, seeds, runs."""
    rows: list[dict[str, Any]] = [
        {
            "label": row.label,
            "method": row.method,
            "selection": row.selection,
            "config": dict(row.config),
            "cells": {
                column: {
                    "mean": grid.plain(cell.mean),
                    "spread": grid.plain(cell.spread),
                    "seeds": cell.n,
                    "failed": cell.n_failed,
                    "missing": cell.n_missing,
                    "best": cell.best,
                    "mark": cell.mark,
                    "runs": list(cell.runs),
                }
                for column, cell in zip(table.columns, table.cells(row), strict=True)
            },
        }
        for row in table.rows
    ]
    content = {
        "key": table.key,
        "spread": table.spread,
        "caption": caption_text(table),
        "columns": list(table.columns),
        "rows": rows,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"
