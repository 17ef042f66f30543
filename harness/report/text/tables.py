"""A table as Markdown, CSV, LaTeX, and for the terminal."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from harness.report.tables.caption import caption_text, title_text
from harness.report.tables.model import Cell, Table, cell_text
from harness.report.text.markup import latex, markdown

if TYPE_CHECKING:
    from rich.table import Table as RichTable


def to_markdown(table: Table) -> str:
    """Return a GitHub table with its caption below."""
    head = ["method", *map(markdown, table.column_heads)]
    lines = [head]
    for row in table.rows:
        cells = [_markdown_cell(cell, table.usual_n) for cell in table.cells(row)]
        lines.append([markdown(row.label), *cells])
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(head))]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    text = [_piped(head, widths), f"| {' | '.join(rule)} |"]
    text += [_piped(line, widths) for line in lines[1:]]
    return "\n".join(text) + f"\n\n{markdown(caption_text(table))}\n"


def _piped(cells: list[str], widths: list[int]) -> str:
    first = cells[0].ljust(widths[0])
    rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return f"| {' | '.join((first, *rest))} |"


def _markdown_cell(cell: Cell, usual_n: int) -> str:
    number, spread, note = cell_text(cell, usual_n)
    return " ".join(
        part for part in (f"**{number}**" if cell.best else number, spread, note) if part
    )


def to_csv(table: Table, wide: bool = False) -> str:
    """Return the numbers unrounded, one line per method and domain, or per method if `wide`.

    The line whose domain is `table.mean_head` is the mean over domains. ``n_missing`` counts
    runs without a result, ``n_failed`` those of them that failed.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = table.columns
    if wide:
        heads = (f"{column} {part}" for column in columns for part in ("mean", table.spread, "n"))
        writer.writerow(["method", *heads])
        for row in table.rows:
            values = (
                v for c in table.cells(row) for v in (_number(c.mean), _number(c.spread), c.n)
            )
            writer.writerow([row.label, *values])
        return out.getvalue()
    shared = ("dataset", "model", "precision", "protocol", "measure", "test_on",
              "disjoint_groups", "shots")  # fmt: skip
    writer.writerow(
        ["method", "domain", "mean", "spread", "spread_kind", "n", "n_missing", "n_failed",
         "selection", *shared]
    )  # fmt: skip
    for row in table.rows:
        for domain, cell in zip(columns, table.cells(row), strict=True):
            writer.writerow(
                [row.label, domain, _number(cell.mean), _number(cell.spread), table.spread,
                 cell.n, cell.n_missing + cell.n_failed, cell.n_failed, row.selection,
                 *(table.key[field] for field in shared)]
            )  # fmt: skip
    return out.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def to_latex(table: Table, label: str = "tab:results") -> str:
    """Return a booktabs table; the document needs only ``\\usepackage{booktabs}``."""
    heads = [latex(head) for head in table.column_heads]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{latex(caption_text(table))}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{l{'c' * len(heads)}}}",
        r"\toprule",
        " & ".join(["Method", *heads]) + r" \\",
        r"\midrule",
    ]
    for row in table.rows:
        cells = [_latex_cell(cell, table.usual_n) for cell in table.cells(row)]
        lines.append(" & ".join([latex(row.label), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _latex_cell(cell: Cell, usual_n: int) -> str:
    number, spread, note = cell_text(cell, usual_n)
    parts = [rf"\textbf{{{number}}}" if cell.best else latex(number)]
    if spread:
        parts.append(rf"{{\scriptsize$\pm$ {spread.removeprefix('± ')}}}")
    if note:
        parts.append(rf"{{\scriptsize {latex(note)}}}")
    return " ".join(parts)


def to_terminal(table: Table, width: int | None = None) -> RichTable:
    """Return a rich table: best in bold, spreads dimmed.

    Args:
        table: What to show.
        width: Of the terminal; if the table is wider, each spread goes below its mean.
    """
    from rich.console import Console

    out = _terminal(table, " ")
    if width is not None and Console(width=10_000).measure(out).maximum > width:
        return _terminal(table, "\n")
    return out


def _terminal(table: Table, between: str) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    # Text, not str: rich would read brackets in a name as markup
    out = RichTable(
        title=Text(title_text(table)), caption=Text(caption_text(table)), box=box.SIMPLE_HEAD,
        title_justify="left", caption_justify="left", pad_edge=False,
    )  # fmt: skip
    out.add_column(Text("method"), overflow="fold")
    for head in table.column_heads:
        out.add_column(Text(head), justify="right", overflow="fold")
    for row in table.rows:
        texts = []
        for cell in table.cells(row):
            number, *rest = cell_text(cell, table.usual_n)
            text = Text(number, style="bold" if cell.best else "red" if number == "failed" else "")
            for part in filter(None, rest):
                text.append(f"{between}{part}", style="not bold dim")
            texts.append(text)
        out.add_row(Text(row.label), *texts)
    return out
