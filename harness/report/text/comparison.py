"""The comparison of a table's rows as Markdown, CSV, LaTeX, and for the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.report.comparison.leads import leads_note
from harness.report.comparison.model import RowComparison, TableComparison
from harness.report.stats import Interval, to_frame
from harness.report.stats.paired import TEST_NAMES
from harness.report.stats.words import NOISE, p_cell, p_words
from harness.report.text import grid
from harness.report.text.grid import Grid, GridCell, cells
from harness.report.text.markup import markdown

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_NONE = GridCell("–")
_STYLES = {"better": "green", "worse": "red"}


_CSV = {
    "label": "method", "score": "mean", "reference_score": "reference_mean", "n_seeds": "seeds",
    "n_tasks": "tasks", "n_pairs": "pairs", "n_dropped": "dropped", "n_comparisons": "comparisons",
    "images": "images_difference",
}  # fmt: skip
"""What columns are called that other files of a report have, too."""


def _grid(table: TableComparison) -> Grid:
    level = f"{100 * (1 - table.design.alpha):g} % CI"
    images = [f"{level} over images"] if _images(table) else []
    head = ("method", f"difference to {table.reference}", level, *images)
    head += ("p (Holm)", "verdict", "seeds needed")
    rows = tuple(_cells(line, _images(table)) for line in table.rows)
    return Grid(head, rows, "l" + "c" * (len(head) - 1), legend(table))


def _images(table: TableComparison) -> bool:
    return any(line.images is not None for line in table.rows)


def _cells(line: RowComparison, images: bool) -> tuple[GridCell, ...]:
    over_images = _ends(line.images.interval if line.images else None)
    return (
        GridCell(line.label),
        _NONE if line.difference is None else GridCell(f"{line.difference:+.2f}", signed=True),
        _ends(line.comparison.t),
        *([over_images] if images else []),
        _NONE if line.verdict == "too few seeds" else GridCell(p_cell(line.holm_p)),
        GridCell(line.verdict, style=_STYLES.get(line.verdict, "dim")),
        GridCell(line.seeds_needed),
    )


def _ends(interval: Interval | None) -> GridCell:
    if interval is None:
        return _NONE
    return GridCell(f"{interval.low:+.2f} to {interval.high:+.2f}", signed=True)


def legend(table: TableComparison) -> str:
    """Return the sentence under the comparison: what the numbers are and what they hold for."""
    n = len(table.rows)
    over = " over the seeds' means" if table.design.unit == "seed" else " over tasks and seeds"
    text = (
        f"Difference to {table.reference} in points. Interval: Student's t over the seeds' means, "
        f"of one comparison alone; p: {TEST_NAMES[table.design.test]}{over}"
        f"{f', Holm-corrected for {n} comparisons' if n > 1 else ''}. "
        "Seeds needed: for a difference like this, with 80 % power, uncorrected. "
        "All this is about new seeds, not about other data sets."
    )
    if _images(table):
        text += " Over images: these very weights on images like these, whatever another seed does."
    if any(line.over_images for line in table.rows):
        text += " Methods that train nothing are compared over images, by McNemar's test."
    return text


def to_markdown(table: TableComparison) -> str:
    """Return the answer, and a GitHub table with its legend below if there is a comparison.

    Another says who leads in each column.
    """
    answer = f"{markdown(f'{table.about}: {table.answer}')}\n"
    if not table.rows:
        return answer
    compared = f"{answer}\n{grid.to_markdown(_grid(table))}"
    return f"{compared}\n{grid.to_markdown(_leads(table))}" if table.leads else compared


def _leads(table: TableComparison) -> Grid:
    head = (table.one, "best", "%", "lead", "is it noise?", "next")
    rows = []
    for own in table.leads:
        found = own.comparison
        sure = "–"
        if found is not None:
            p = "" if found.verdict == "too few seeds" else f" ({p_words(found.holm_p)})"
            sure = f"{NOISE[found.verdict]}{p}"
        lead = "–" if own.lead is None else f"{own.lead:+.{table.decimals}f}"
        texts = (own.column, ", ".join(own.best), own.number, lead, sure, own.second)
        rows.append(cells(text or "–" for text in texts))
    return Grid(head, tuple(rows), "llrrll", leads_note(table))


def to_latex(table: TableComparison, label: str = "tab:comparison") -> str:
    """Return a booktabs table with short heads, the answer and what the columns are below it."""
    images = ["over images"] if _images(table) else []
    full = _grid(table)
    rows = ((*row[:-1], GridCell(row[-1].text.replace("more than", ">"))) for row in full.rows)
    return grid.to_latex(
        replace(
            full,
            rows=tuple(rows),
            head=("Method", "difference", full.head[2], *images, "p (Holm)", "verdict", "seeds"),
            short=f"Difference to {table.reference} in points: {table.about}.",
            notes=f"{table.answer} {full.caption}",
            label=label,
        )
    )


def lines(table: TableComparison) -> grid.Lines:
    """Return everything known of each comparison, unrounded; an interval is two columns.

    ``t_*``, ``bootstrap_*``: of the difference over seeds; ``images_*``: over images, in points;
    ``improvement``: probability that a run is better than one of the reference; ``iqm``: the
    row's interquartile mean.
    """
    frame = to_frame([line.comparison for line in table.rows])
    for name, intervals in (
        ("images", [line.images.interval if line.images else None for line in table.rows]),
        ("iqm", [line.iqm for line in table.rows]),
    ):
        for end in ("value", "low", "high"):
            column = name if end == "value" else f"{name}_{end}"
            frame[column] = [None if i is None else getattr(i, end) for i in intervals]
    frame["images_p"] = [line.images.test.p if line.images else None for line in table.rows]
    known = frame.rename(columns=_CSV).astype(object).where(frame.notna().to_numpy(), None)
    return grid.Lines(list(known.columns), known.itertuples(index=False))


def to_terminal(table: TableComparison) -> RichTable | None:
    """Return a rich table; None if nothing is compared."""
    return grid.to_terminal(_grid(table)) if table.rows else None
