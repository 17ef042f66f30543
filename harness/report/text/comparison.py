"""The comparison of a table's rows as Markdown, CSV, LaTeX, and for the terminal."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from harness.report.comparison.model import RowComparison, TableComparison
from harness.report.stats import Interval, to_frame
from harness.report.stats.paired import TEST_NAMES
from harness.report.stats.words import p_cell
from harness.report.text.markup import latex, markdown

if TYPE_CHECKING:
    from rich.table import Table as RichTable


def heads(found: TableComparison) -> tuple[str, ...]:
    """Return what the columns are called."""
    level = f"{100 * (1 - found.design.alpha):g} % CI"
    return (
        "method", f"difference to {found.reference}", level,
        *([f"{level} over images"] if _images(found) else []),
        "p (Holm)", "verdict", "seeds needed",
    )  # fmt: skip


def rows(found: TableComparison) -> list[tuple[str, ...]]:
    """Return the lines as text, a cell for each of `heads`."""
    return [_cells(line, _images(found)) for line in found.rows]


def _images(found: TableComparison) -> bool:
    return any(line.images is not None for line in found.rows)


def _cells(line: RowComparison, images: bool) -> tuple[str, ...]:
    over_images = _ends(line.images.interval if line.images else None)
    return (
        line.label,
        "–" if line.difference is None else f"{line.difference:+.2f}",
        _ends(line.comparison.t),
        *([over_images] if images else []),
        "–" if line.verdict == "too few seeds" else p_cell(line.holm_p),
        line.verdict,
        line.seeds_needed,
    )


def _ends(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.low:+.2f} to {interval.high:+.2f}"


def legend(found: TableComparison) -> str:
    """Return the sentence under the comparison: what the numbers are and what they hold for."""
    n = len(found.rows)
    over = " over the seeds' means" if found.design.unit == "seed" else " over tasks and seeds"
    text = (
        f"Difference to {found.reference} in points. Interval: Student's t over the seeds' means, "
        f"of one comparison alone; p: {TEST_NAMES[found.design.test]}{over}"
        f"{f', Holm-corrected for {n} comparisons' if n > 1 else ''}. "
        "Seeds needed: for a difference like this, with 80 % power, uncorrected. "
        "All this is about new seeds, not about other data sets."
    )
    if _images(found):
        text += " Over images: these very weights on images like these, whatever another seed does."
    if any(line.over_images for line in found.rows):
        text += " Methods that train nothing are compared over images, by McNemar's test."
    return text


def to_markdown(found: TableComparison) -> str:
    """Return the answer, and a GitHub table with its legend below if there is a comparison."""
    if not found.rows:
        return f"{_said(found)}\n"
    lines = [list(map(markdown, row)) for row in (heads(found), *rows(found))]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(lines[0]))]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    text = [
        f"| {line[0].ljust(widths[0])} | "
        f"{' | '.join(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))} |"
        for line in lines
    ]
    text.insert(1, f"| {' | '.join(rule)} |")
    table = "\n".join(text)
    return f"{_said(found)}\n\n{table}\n\n{markdown(legend(found))}\n"


def _said(found: TableComparison) -> str:
    return markdown(f"{found.about}: {found.answer}")


def to_latex(found: TableComparison, label: str = "tab:comparison") -> str:
    """Return a booktabs table with the answer in its caption."""
    head = " & ".join(latex(text) for text in ("Method", *heads(found)[1:]))
    lines = [" & ".join(map(_latex_cell, row)) + r" \\" for row in rows(found)]
    return "\n".join([
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{latex(f'{found.about}. {found.answer} {legend(found)}')}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{l{'c' * (len(heads(found)) - 1)}}}",
        r"\toprule",
        head + r" \\",
        r"\midrule",
        *lines,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ])  # fmt: skip


def _latex_cell(text: str) -> str:
    # a sign of a number is a minus, not a hyphen
    signed = text[:1] in "+-" and text[1:2].isdigit()
    return " to ".join(f"${end}$" for end in text.split(" to ")) if signed else latex(text)


def to_csv(found: TableComparison) -> str:
    """Return everything known of each comparison, unrounded; an interval is two columns.

    ``t_*``, ``bootstrap_*``: of the difference over seeds; ``images_*``: over images, in points;
    ``improvement``: probability that a run is better than one of the reference; ``iqm``: the
    row's interquartile mean.
    """
    out = io.StringIO()
    frame = to_frame([line.comparison for line in found.rows])
    for name, intervals in (
        ("images", [line.images.interval if line.images else None for line in found.rows]),
        ("iqm", [line.iqm for line in found.rows]),
    ):
        for end in ("value", "low", "high"):
            column = name if end == "value" else f"{name}_{end}"
            frame[column] = [None if i is None else getattr(i, end) for i in intervals]
    frame["images_p"] = [line.images.test.p if line.images else None for line in found.rows]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(frame.columns)
    for values in frame.astype(object).where(frame.notna(), None).itertuples(index=False):
        writer.writerow("" if value is None else value for value in values)
    return out.getvalue()


def to_terminal(found: TableComparison) -> RichTable | None:
    """Return a rich table; None if nothing is compared."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    if not found.rows:
        return None
    out = RichTable(
        caption=Text(legend(found)), box=box.SIMPLE_HEAD, caption_justify="left", pad_edge=False
    )
    for i, head in enumerate(heads(found)):
        out.add_column(Text(head), justify="right" if i else "left", overflow="fold")
    styles = {"better": "green", "worse": "red"}
    for row in rows(found):
        at = len(row) - 2
        out.add_row(
            *(Text(c, style=styles.get(c, "dim") if i == at else "") for i, c in enumerate(row))
        )
    return out
