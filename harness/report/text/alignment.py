"""Accuracy and gain by alignment as Markdown, CSV, LaTeX, and for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.stats import Comparison
from harness.report.tables.alignment import Alignment
from harness.report.tables.caption import title_text
from harness.report.text import grid, tables
from harness.report.text.grid import Grid, GridCell

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_NOTHING = GridCell("–")


def legend(alignment: Alignment) -> str:
    """Return what the gains are, and how the bins look."""
    bins = "; ".join(f"{b.name}: {b.share:.0f} %, {b.cosine:.2f}" for b in alignment.bins)
    level = _level(alignment)
    return (
        f"Gain over {alignment.reference} in points"
        + (f", with the {level:g} % interval of Student's t over seeds" if level else "")
        + f", of each bin alone. Share of the images and their mean cosine: {bins}. The pretrained "
        "model itself has 100 % and 0 % in the last two: over it, one can only lose and only gain."
    )


def _level(alignment: Alignment) -> float | None:
    intervals = (own.t for gains in alignment.gains for own in gains.values())
    return next((100 * interval.level for interval in intervals if interval), None)


def _gains(alignment: Alignment, first_head: str = "method", label: str = "") -> Grid:
    rows = [row.label for row in alignment.table.rows if row.label != alignment.reference]
    return Grid(
        (first_head, *(own.name for own in alignment.bins)),
        tuple(
            (
                GridCell(name),
                *(_gain(gains.get(name), alignment.table.decimals) for gains in alignment.gains),
            )
            for name in rows
        ),
        "l" + "c" * len(alignment.bins),
        legend(alignment),
        f"Gain over {alignment.reference} in points, {title_text(alignment.table)}.",
        legend(alignment),
        label,
    )


def _gain(own: Comparison | None, decimals: int) -> GridCell:
    if own is None or own.difference is None:
        return _NOTHING
    between = f"({own.t.low:+.{decimals}f} to {own.t.high:+.{decimals}f})" if own.t else ""
    return GridCell(f"{own.difference:+.{decimals}f}", note=between, signed=True)


def to_markdown(alignment: Alignment) -> str:
    """Return two GitHub tables: accuracies, and gains if there is a reference."""
    accuracies = tables.to_markdown(alignment.table)
    if alignment.reference is None:
        return accuracies
    return f"{accuracies}\n{grid.to_markdown(_gains(alignment))}"


def to_latex(alignment: Alignment, label: str) -> str:
    """Return two booktabs tables, as `to_markdown`."""
    accuracies = tables.to_latex(alignment.table, label)
    if alignment.reference is None:
        return accuracies
    return f"{accuracies}\n{grid.to_latex(_gains(alignment, 'Method', f'{label}-gain'))}"


def to_terminal(
    alignment: Alignment, width: int | None = None, bold: bool = True
) -> list[RichTable]:
    """Return rich tables, as `to_markdown`."""
    out = [tables.to_terminal(alignment.table, width, bold)]
    if alignment.reference is not None:
        out.append(grid.to_terminal(_gains(alignment), width))
    return out


def lines(alignment: Alignment) -> grid.Lines:
    """Return one line per method and bin, unrounded; ``p`` is corrected for the methods."""
    head = ["method", "bin", "percent_of_images", "cosine", "mean", "spread", "spread_kind"]
    head += ["seeds", "reference", "difference", "t_low", "t_high", "holm_p"]
    rows = []
    for row in alignment.table.rows:
        for own, cell, gains in zip(alignment.bins, row.cells, alignment.gains, strict=True):
            gain = gains.get(row.label)
            t = gain.t if gain else None
            rows.append(
                [
                    *(row.label, own.name, own.share, own.cosine, cell.mean, cell.spread),
                    *(alignment.table.spread, cell.n, alignment.reference),
                    *(gain.difference if gain else None, t.low if t else None),
                    *(t.high if t else None, gain.holm_p if gain else None),
                ]
            )
    return grid.Lines(head, rows)
