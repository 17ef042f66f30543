"""A table as text: one grid of cells; one writer each for Markdown, CSV, LaTeX and terminals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report.text.markup import latex, markdown

if TYPE_CHECKING:
    from rich.table import Table as RichTable


@dataclass(frozen=True)
class GridCell:
    """A number or a word, what stands behind it, and how it is set."""

    text: str
    spread: str = ""
    """E.g. ``± 0.4``; smaller than the number."""
    note: str = ""
    """E.g. ``(2/3)``; smaller than the number."""
    best: bool = False
    """Whether it is bold."""
    signed: bool = False
    """Whether it is ``+0.3`` or ``-1.0 to +2.0``: LaTeX then sets a minus, not a hyphen."""
    style: str = ""
    """How rich shows it in a terminal."""


@dataclass(frozen=True)
class Grid:
    """What every writer needs to know of a table."""

    head: tuple[str, ...]
    rows: tuple[tuple[GridCell, ...], ...]
    align: str
    """``l``, ``r`` or ``c`` for each column; what LaTeX centres is to the right elsewhere."""
    caption: str = ""
    label: str = ""
    """LaTeX refers to the table by it."""
    title: str = ""
    """Above the table in a terminal."""
    small: bool = False
    """Whether LaTeX sets it in small type: many columns."""


def cells(texts: Iterable[str]) -> tuple[GridCell, ...]:
    """Return plain cells."""
    return tuple(map(GridCell, texts))


def to_markdown(grid: Grid, rule: int | None = None) -> str:
    """Return a GitHub table with its caption below.

    Args:
        grid: The table.
        rule: Characters of the rule under each head; by default all cells of a column are padded
            to the same width, and the rule is as wide.
    """
    lines = [map(markdown, grid.head), *(map(_markdown_cell, row) for row in grid.rows)]
    columns = [
        _markdown_column(texts, align == "l", rule)
        for texts, align in zip(zip(*lines, strict=True), grid.align, strict=True)
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))
    return f"{table}\n\n{markdown(grid.caption)}\n" if grid.caption else f"{table}\n"


def _markdown_column(texts: Sequence[str], left: bool, rule: int | None) -> list[str]:
    width = rule or max(3, *map(len, texts))
    dashes = "-" * (width - 1)
    padding = 0 if rule else width
    head, *rest = (text.ljust(padding) if left else text.rjust(padding) for text in texts)
    return [head, f":{dashes}" if left else f"{dashes}:", *rest]


def _markdown_cell(cell: GridCell) -> str:
    text, spread, note = map(markdown, (cell.text, cell.spread, cell.note))
    return " ".join(filter(None, (f"**{text}**" if cell.best else text, spread, note)))


def to_latex(*grids: Grid) -> str:
    """Return booktabs tables; the document needs only ``\\usepackage{booktabs}``."""
    lines = [r"% needs \usepackage{booktabs}"]
    for grid in grids:
        lines += [
            r"\begin{table}[t]",
            r"\centering",
            *([r"\scriptsize"] if grid.small else []),
            rf"\caption{{{latex(grid.caption)}}}",
            rf"\label{{{grid.label}}}",
            rf"\begin{{tabular}}{{{grid.align}}}",
            r"\toprule",
            " & ".join(map(latex, grid.head)) + r" \\",
            r"\midrule",
            *(" & ".join(map(_latex_cell, row)) + r" \\" for row in grid.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"


def _latex_cell(cell: GridCell) -> str:
    text = latex(cell.text)
    if cell.signed:
        text = " to ".join(f"${number}$" for number in cell.text.split(" to "))
    parts = [rf"\textbf{{{text}}}" if cell.best else text]
    if cell.spread:
        parts.append(rf"{{\scriptsize$\pm$ {latex(cell.spread.removeprefix('± '))}}}")
    if cell.note:
        parts.append(rf"{{\scriptsize {latex(cell.note)}}}")
    return " ".join(parts)


def to_csv(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Return lines of values: a number unrounded, None as nothing.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, which makes it
    text there: names come from anybody.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([_inert(value) for value in row] for row in (head, *rows))
    return out.getvalue()


def _inert(value: object) -> object:
    formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@"))
    return f"'{value}" if formula else value


def to_terminal(grid: Grid, width: int | None = None, **layout: Any) -> RichTable:
    """Return a rich table: best in bold, what stands behind a number dimmed.

    Args:
        grid: The table.
        width: Of the terminal; if the table is wider, each spread and note goes below its number.
        layout: What `rich.table.Table` is given beside ours.
    """
    from rich.console import Console

    out = _rich(grid, " ", layout)
    if width is not None and Console(width=10_000).measure(out).maximum > width:
        return _rich(grid, "\n", layout)
    return out


def _rich(grid: Grid, between: str, layout: dict[str, Any]) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    ours: dict[str, Any] = {"title_justify": "left", "caption_justify": "left", "pad_edge": False}
    # Text, not str: rich would read brackets in a name as markup
    out = RichTable(
        title=Text(grid.title) if grid.title else None,
        caption=Text(grid.caption) if grid.caption else None,
        box=box.SIMPLE_HEAD,
        **(ours | layout),
    )
    for head, align in zip(grid.head, grid.align, strict=True):
        out.add_column(Text(head), justify="left" if align == "l" else "right", overflow="fold")
    for row in grid.rows:
        texts = []
        for cell in row:
            text = Text(cell.text, style="bold" if cell.best else cell.style)
            for part in filter(None, (cell.spread, cell.note)):
                text.append(f"{between}{part}", style="not bold dim")
            texts.append(text)
        out.add_row(*texts)
    return out
