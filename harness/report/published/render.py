"""Published figures beside ours: as Markdown, CSV, LaTeX, and for the terminal."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.published.candidates import ALL_SETS
from harness.report.published.compare import COMPARED, PublishedCell
from harness.report.published.tolerance import RULE
from harness.report.text.markup import latex, markdown

if TYPE_CHECKING:
    from rich.table import Table as RichTable

TITLE = "Published figures beside ours"
HEADS = ("figure", "method", "ours", "published", "difference", "tolerance", "verdict",
         "source", "notes")  # fmt: skip
_NUMBERS = range(2, 6)
_OF_FIGURE = ("source", "where", "protocol", "dataset", "domain", "method", "backbone", "metric",
              "value", "spread", "spread_kind", "n_seeds", "note")  # fmt: skip
_OF_OURS = {  # column: attribute
    "our_label": "label", "our_setting": "setting", "ours": "ours", "our_spread": "spread",
    "our_n": "n", "difference": "difference", "tolerance": "tolerance", "allowance": "allowance",
    "verdict": "verdict", "reason": "reason",
}  # fmt: skip


def compared(cells: Sequence[PublishedCell]) -> list[PublishedCell]:
    """Return the cells in which two numbers stand side by side."""
    return [cell for cell in cells if cell.verdict in COMPARED]


def lines_of(cells: Sequence[PublishedCell]) -> list[list[str]]:
    """Return a line of text for each compared cell, one text for each of `HEADS`."""
    shown = compared(cells)
    numbers = _numbered(shown)
    return [_line(cell, numbers) for cell in shown]


def below(cells: Sequence[PublishedCell], none: str = "") -> list[str]:
    """Return what is said below the table, a paragraph each.

    Args:
        cells: All of them.
        none: Why nothing could be compared, see `compare.why_none`.
    """
    said = [f"No published figure can be compared: {none}."] if none else [RULE]
    said += [f"[{number}] {note}." for note, number in _numbered(compared(cells)).items()]
    refused = Counter(cell.reason for cell in cells if cell.verdict == "not comparable")
    said += [f"Not comparable: {_figures(n)}, {reason}." for reason, n in refused.most_common()]
    missing = sum(cell.verdict == "not run" for cell in cells)
    return said + ([f"Not run: {_figures(missing)}."] if missing else [])


def to_markdown(cells: Sequence[PublishedCell], none: str = "") -> str:
    """Return a GitHub table of what was compared, and below it the rule, notes and the rest."""
    lines = [f"### {TITLE}"]
    if compared(cells):
        rule = [("---:" if i in _NUMBERS else ":---") for i in range(len(HEADS))]
        rows = [HEADS, *([markdown(text) for text in line] for line in lines_of(cells))]
        table = [f"| {' | '.join(row)} |" for row in rows]
        lines.append("\n".join([table[0], f"| {' | '.join(rule)} |", *table[1:]]))
    return "\n\n".join([*lines, *(markdown(text) for text in below(cells, none))]) + "\n"


def to_latex(cells: Sequence[PublishedCell], none: str = "") -> str:
    """Return a booktabs table; what is said below it is its caption."""
    text = " ".join([f"{TITLE}.", *below(cells, none)])
    columns = "".join("r" if i in _NUMBERS else "l" for i in range(len(HEADS)))
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"\centering",
        r"\scriptsize",
        rf"\caption{{{latex(text)}}}",
        r"\label{tab:published}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(HEADS) + r" \\",
        r"\midrule",
    ]
    lines += [" & ".join(latex(text) for text in line) + r" \\" for line in lines_of(cells)]
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def to_csv(cells: Sequence[PublishedCell]) -> str:
    """Return every published figure with all that is known of it, numbers unrounded."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_OF_FIGURE, *_OF_OURS, "notes"])
    for cell in cells:
        published = [_text(getattr(cell.figure, name)) for name in _OF_FIGURE]
        ours = [_text(getattr(cell, name)) for name in _OF_OURS.values()]
        writer.writerow([*published, *ours, "; ".join(cell.notes)])
    return out.getvalue()


def to_terminal(cells: Sequence[PublishedCell]) -> RichTable:
    """Return a rich table of what was compared."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    out = RichTable(title=Text(TITLE), box=box.SIMPLE_HEAD)
    for i, head in enumerate(HEADS):
        out.add_column(Text(head), justify="right" if i in _NUMBERS else "left")
    for line in lines_of(cells):
        out.add_row(*map(Text, line))
    return out


def _figures(n: int) -> str:
    return "1 published figure" if n == 1 else f"{n} published figures"


def _numbered(cells: Sequence[PublishedCell]) -> dict[str, int]:
    notes = dict.fromkeys(note for cell in cells for note in cell.notes)
    return {note: number for number, note in enumerate(notes, 1)}


def _line(cell: PublishedCell, numbers: dict[str, int]) -> list[str]:
    figure = cell.figure
    domain = "" if figure.dataset == ALL_SETS else figure.domain
    of = " ".join(part for part in (figure.dataset, domain, figure.metric) if part)
    near = "" if cell.tolerance is None else f"{cell.tolerance:.2f}"
    if cell.allowance is not None:
        near += f" (re-run allowance {cell.allowance:.1f})"
    notes = "".join(f"[{numbers[note]}]" for note in cell.notes)
    method = figure.method if cell.label == figure.method else f"{figure.method} (row {cell.label})"
    return [
        f"{figure.protocol}: {of}",
        method,
        f"{_number(f'{cell.ours:.2f}', cell.spread)} (n={cell.n})",
        _number(repr(figure.value), figure.spread),  # as printed
        "" if cell.difference is None else f"{cell.difference:+.2f}",
        near,
        cell.text,
        figure.place,
        notes,
    ]


def _number(text: str, spread: float | None) -> str:
    return text if spread is None else f"{text} ± {spread:.1f}"


def _text(value: object) -> str:
    if isinstance(value, float):
        return repr(value)
    return "" if value is None else str(value)
