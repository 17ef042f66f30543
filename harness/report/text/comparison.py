"""The comparison of a table's rows as Markdown, CSV, LaTeX, and for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.comparison.evidence import TESTS, Evidence, Line
from harness.report.stats import Interval, to_frame
from harness.report.text import grid
from harness.report.text.grid import Grid, GridCell
from harness.report.text.markup import markdown

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_NONE = GridCell("–")
_STYLES = {"better": "green", "worse": "red"}


def _grid(found: Evidence, caption: str, first_head: str = "method", label: str = "") -> Grid:
    level = f"{100 * (1 - found.alpha):g} % CI"
    images = [f"{level} over images"] if _images(found) else []
    head = (first_head, f"difference to {found.reference}", level, *images)
    head += ("p (Holm)", "verdict", "seeds needed")
    rows = tuple(_cells(line, _images(found)) for line in found.lines)
    return Grid(head, rows, "l" + "c" * (len(head) - 1), caption, label)


def _images(found: Evidence) -> bool:
    return any(line.images is not None for line in found.lines)


def _cells(line: Line, images: bool) -> tuple[GridCell, ...]:
    over_images = _ends(line.images.interval if line.images else None)
    return (
        GridCell(line.label),
        _NONE if line.difference is None else GridCell(f"{line.difference:+.2f}", signed=True),
        _ends(line.comparison.t),
        *([over_images] if images else []),
        _NONE if line.verdict == "too few seeds" else GridCell(_p(line.holm_p)),
        GridCell(line.verdict, style=_STYLES.get(line.verdict, "dim")),
        GridCell(line.seeds_needed),
    )


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _ends(interval: Interval | None) -> GridCell:
    if interval is None:
        return _NONE
    return GridCell(f"{interval.low:+.2f} to {interval.high:+.2f}", signed=True)


def legend(found: Evidence) -> str:
    """Return the sentence under the comparison: what the numbers are and what they hold for."""
    n = len(found.lines)
    over = " over the seeds' means" if found.unit == "seed" else " over tasks and seeds"
    text = (
        f"Difference to {found.reference} in points. Interval: Student's t over the seeds' means, "
        f"of one comparison alone; p: {TESTS[found.test]}{over}"
        f"{f', Holm-corrected for {n} comparisons' if n > 1 else ''}. "
        "Seeds needed: for a difference like this, with 80 % power, uncorrected. "
        "All this is about new seeds, not about other data sets."
    )
    if _images(found):
        text += " Over images: these very weights on images like these, whatever another seed does."
    if any(line.over_images for line in found.lines):
        text += " Methods that train nothing are compared over images, by McNemar's test."
    return text


def to_markdown(found: Evidence) -> str:
    """Return the answer, and a GitHub table with its legend below if there is a comparison."""
    answer = f"{markdown(f'{found.about}: {found.answer}')}\n"
    if not found.lines:
        return answer
    return f"{answer}\n{grid.to_markdown(_grid(found, legend(found)))}"


def to_latex(found: Evidence, label: str = "tab:comparison") -> str:
    """Return a booktabs table with the answer in its caption."""
    caption = f"{found.about}. {found.answer} {legend(found)}"
    return grid.to_latex(_grid(found, caption, "Method", label))


def to_csv(found: Evidence) -> str:
    """Return everything known of each comparison, unrounded; an interval is two columns.

    ``t_*``, ``bootstrap_*``: of the difference over seeds; ``images_*``: over images, in points;
    ``improvement``: probability that a run is better than one of the reference; ``iqm``: the
    row's interquartile mean.
    """
    frame = to_frame([line.comparison for line in found.lines])
    for name, intervals in (
        ("images", [line.images.interval if line.images else None for line in found.lines]),
        ("iqm", [line.iqm for line in found.lines]),
    ):
        for end in ("value", "low", "high"):
            column = name if end == "value" else f"{name}_{end}"
            frame[column] = [None if i is None else getattr(i, end) for i in intervals]
    frame["images_p"] = [line.images.test.p if line.images else None for line in found.lines]
    frame["reading"] = [line.reading for line in found.lines]
    known = frame.astype(object).where(frame.notna(), None)
    return grid.to_csv(list(frame.columns), known.itertuples(index=False))


def to_terminal(found: Evidence) -> RichTable | None:
    """Return a rich table; None if nothing is compared."""
    return grid.to_terminal(_grid(found, legend(found))) if found.lines else None
