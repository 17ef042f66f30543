"""What a reader must know to read a figure of a table rightly."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.tables.caption import title_text
from harness.report.tables.model import Cell, Table
from harness.report.tables.spread import MEANING


def axis_label(table: Table) -> str:
    """Return what the axis of a table's numbers is called."""
    harmonic = table.key["measure"] == "H" and table.score == "target"
    return f"{'Harmonic mean' if harmonic else 'Top-1 accuracy'} (%)"


def footnote(
    table: Table, cells: Sequence[Cell], bottom: float, spreads: str, mark: str, about: str = ""
) -> str:
    """Return the sentences under the figure.

    Args:
        table: What it is drawn from.
        cells: Those it shows.
        bottom: Where the axis starts.
        spreads: What shows the spread, e.g. ``bands``.
        mark: What shows a cell, e.g. ``point``.
        about: What else is to be said of the marks.
    """
    counts = {cell.n for cell in cells if cell.n}
    sentences = [f"{title_text(table)}."]
    if any(cell.spread is not None for cell in cells):
        n = " to ".join(map(str, dict.fromkeys((min(counts), max(counts)))))
        sentences.append(f"{spreads.capitalize()}: ± {MEANING[table.spread]} over n = {n} seeds.")
    elif counts == {1}:
        sentences.append(f"One seed (n = 1), so no {spreads}.")
    if any(cell.deterministic for cell in cells):
        sentences.append(f"Without {spreads}: deterministic.")
    sentences.append(about)
    if bottom:
        sentences.append(f"The axis starts at {bottom:g} %, not at zero.")
    holes = sum(cell.mean is None for cell in cells)
    if holes:
        sentences.append(f"{holes} {mark}{'s' if holes > 1 else ''} without a result.")
    return " ".join(filter(None, sentences))
