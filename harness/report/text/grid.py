"""A table as text: cells for Markdown, LaTeX and terminals, lines of values for CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from harness.report.text.fit import Text, layout_of
from harness.report.text.markup import engine_for, latex, markdown

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
    """All that is to be said of it."""
    short: str = ""
    """What of that is LaTeX's caption; all of it unless said otherwise."""
    notes: str = ""
    """The rest of it, which LaTeX sets below the table."""
    label: str = ""
    """LaTeX refers to the table by it."""
    title: str = ""
    """Above the table in a terminal."""


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
    """Return booktabs tables that fit into the text.

    The document needs ``\\usepackage{booktabs}``, and for letters that pdfLaTeX has not what the
    first lines say.
    """
    lines = [line for grid in grids for line in _latex_table(grid)]
    return "\n".join([r"% needs \usepackage{booktabs}", *engine_for("".join(lines)), *lines, ""])


def _latex_table(grid: Grid) -> list[str]:
    layout = layout_of([[Text(head) for head in grid.head], *map(_printed, grid.rows)])
    out = [r"\begin{table}[t]", r"\centering"]
    out += [rf"\caption{{{latex(grid.short or grid.caption)}}}", rf"\label{{{grid.label}}}"]
    if layout.size:
        out += [rf"\{layout.size}", rf"\setlength{{\tabcolsep}}{{{layout.separation}pt}}"]
    first = grid.align[0] if layout.first is None else f"p{{{layout.first:.1f}pt}}"
    for number, columns in enumerate(layout.parts):
        align = first + "".join(grid.align[i] for i in columns[1:])
        out += [
            *([r"\par\medskip"] if number else []),
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            " & ".join(latex(grid.head[i]) for i in columns) + r" \\",
            r"\midrule",
            *(_latex_row([row[i] for i in columns], layout.first is not None) for row in grid.rows),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    if grid.notes:
        below = r"\begin{minipage}{\linewidth}\footnotesize"
        out += [r"\par\smallskip", below, latex(grid.notes), r"\end{minipage}"]
    return [*out, r"\end{table}"]


def _printed(row: Sequence[GridCell]) -> list[Text]:
    """Return what is printed in each cell, a minus where LaTeX sets one."""
    return [
        Text(
            cell.text.replace("-", "−") if cell.signed else cell.text,
            " ".join(filter(None, (cell.spread, cell.note))),
            cell.best,
        )
        for cell in row
    ]


def _latex_row(row: Sequence[GridCell], broken: bool) -> str:
    first, *others = map(_latex_cell, row)
    if broken:  # a name has few blanks
        first = r"\raggedright " + re.sub(r"([,=/]|\\_|\{\[\})(?! )", r"\1\\allowbreak{}", first)
    return " & ".join([first, *others]) + r" \\"


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


class Lines(NamedTuple):
    """What a program reads of a table: a head, and lines of unrounded values, None for none."""

    head: Sequence[str]
    rows: Iterable[Iterable[object]]


def to_csv(lines: Lines) -> str:
    """Return the lines as CSV: None as nothing.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, which makes it
    text there: names come from anybody.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([_inert(value) for value in row] for row in (lines.head, *lines.rows))
    return out.getvalue()


def to_json(lines: Lines) -> str:
    """Return the lines as a JSON list of objects: a number that is not finite as null."""
    rows = [dict(zip(lines.head, map(plain, row), strict=True)) for row in lines.rows]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: object) -> object:
    """Return a value as JSON has it; NumPy's scalars are numbers like others."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
