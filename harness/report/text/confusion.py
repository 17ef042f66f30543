"""A confusion matrix as CSV; its most confused pairs as Markdown, LaTeX, and for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.tables.confusion import PAIRS, Confusion
from harness.report.text import grid
from harness.report.text.grid import Grid, cells

if TYPE_CHECKING:
    from rich.table import Table as RichTable


def _grid(confusion: Confusion, label: str = "") -> Grid:
    caption = (
        f"What {confusion.label} confuses most: {confusion.about}. Share of the class's images, "
        f"over {confusion.n_runs} run{'s' if confusion.n_runs > 1 else ''} together."
    )
    rows = (
        cells((pair.label, pair.prediction, f"{pair.share:.1f} %", str(pair.count)))
        for pair in confusion.pairs[:PAIRS]
    )
    head = ("class", "taken for", "share", "images")
    return Grid(head, tuple(rows), "llrr", caption, label=label)


def to_markdown(confusion: Confusion) -> str:
    """Return the most confused pairs as a GitHub table."""
    return grid.to_markdown(_grid(confusion))


def to_latex(confusion: Confusion, label: str) -> str:
    """Return the most confused pairs as a booktabs table."""
    return grid.to_latex(_grid(confusion, label))


def to_terminal(confusion: Confusion) -> RichTable:
    """Return the most confused pairs as a rich table."""
    return grid.to_terminal(_grid(confusion))


def lines(confusion: Confusion) -> grid.Lines:
    """Return the matrix, one line for each class and prediction that is not zero."""
    totals = confusion.counts.sum(axis=1)
    rows = (
        (confusion.class_names[i], confusion.class_names[j], int(n), 100 * int(n) / int(totals[i]))
        for i, line in enumerate(confusion.counts)
        for j, n in enumerate(line)
        if n
    )
    return grid.Lines(("class", "prediction", "images", "percent_of_class"), rows)
