"""Published numbers beside ours: as Markdown, CSV, LaTeX, and for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.report.published.candidates import ALL_SETS
from harness.report.published.compare import COMPARED, PublishedCell
from harness.report.published.numbers import PublishedNumber
from harness.report.published.tolerance import RULE
from harness.report.text import grid
from harness.report.text.grid import Grid, cells
from harness.report.text.markup import markdown

if TYPE_CHECKING:
    from rich.table import Table as RichTable

TITLE = "Published figures beside ours"
_NUMBERS = ("ours", "published", "difference", "tolerance")
HEAD = ("figure", "method", *_NUMBERS, "verdict", "source", "notes")
_OURS = {
    "our_method": "label", "our_setting": "setting", "our_mean": "ours", "our_spread": "spread",
    "our_seeds": "n",
}  # fmt: skip
_SAME = ("difference", "tolerance", "allowance", "verdict", "reason")
_THEIRS = {"backbone": "model", "metric": "measure", "value": "mean", "n_seeds": "seeds"}
"""Columns of the file of numbers that other files of a report have under another name."""


def compared(all_cells: Sequence[PublishedCell]) -> list[PublishedCell]:
    """Return the cells in which two numbers stand side by side."""
    return [cell for cell in all_cells if cell.verdict in COMPARED]


def below(all_cells: Sequence[PublishedCell], none: str = "") -> list[str]:
    """Return what is said below the table, a paragraph each.

    Args:
        all_cells: All of them, compared or not.
        none: Why nothing could be compared, see `compare.why_none`.
    """
    said = [f"No published figure can be compared: {none}."] if none else [RULE]
    said += [f"[{number}] {note}." for note, number in _notes(compared(all_cells)).items()]
    refused = Counter(cell.reason for cell in all_cells if cell.verdict == "not comparable")
    said += [f"Not comparable: {_count(n)}, {reason}." for reason, n in refused.most_common()]
    missing = sum(cell.verdict == "not run" for cell in all_cells)
    return said + ([f"Not run: {_count(missing)}."] if missing else [])


def _grid(all_cells: Sequence[PublishedCell]) -> Grid:
    shown = compared(all_cells)
    notes = _notes(shown)
    rows = tuple(cells(_texts(cell, notes)) for cell in shown)
    return Grid(HEAD, rows, "llrrrrlll", label="tab:published", title=TITLE)


def to_markdown(all_cells: Sequence[PublishedCell], none: str = "") -> str:
    """Return a GitHub table of what was compared, and below it the rule, notes and the rest."""
    table = f"{grid.to_markdown(_grid(all_cells), rule=4)}\n" if compared(all_cells) else ""
    said = "\n\n".join(map(markdown, below(all_cells, none)))
    return f"### {TITLE}\n\n{table}{said}\n"


def to_latex(all_cells: Sequence[PublishedCell], none: str = "") -> str:
    """Return a booktabs table with what is said below it."""
    said = " ".join(below(all_cells, none))
    return grid.to_latex(replace(_grid(all_cells), short=f"{TITLE}.", notes=said))


def lines(all_cells: Sequence[PublishedCell]) -> grid.Lines:
    """Return every published number with all that is known of it, numbers unrounded."""
    rows = (
        [
            *(value for _, value in cell.published),
            *(getattr(cell, name) for name in (*_OURS.values(), *_SAME)),
            "; ".join(cell.notes),
        ]
        for cell in all_cells
    )
    theirs = (_THEIRS.get(name, name) for name in PublishedNumber.model_fields)
    return grid.Lines([*theirs, *_OURS, *_SAME, "notes"], rows)


def to_terminal(all_cells: Sequence[PublishedCell]) -> RichTable:
    """Return a rich table of what was compared."""
    return grid.to_terminal(_grid(all_cells), title_justify="center", pad_edge=True)


def _count(n: int) -> str:
    return "1 published figure" if n == 1 else f"{n} published figures"


def _notes(shown: Sequence[PublishedCell]) -> dict[str, int]:
    """Number the notes in the order in which they are first needed."""
    notes = dict.fromkeys(note for cell in shown for note in cell.notes)
    return {note: number for number, note in enumerate(notes, 1)}


def _texts(cell: PublishedCell, notes: dict[str, int]) -> list[str]:
    number = cell.published
    domain = "" if number.dataset == ALL_SETS else number.domain
    of = " ".join(part for part in (number.dataset, domain, number.metric) if part)
    near = "" if cell.tolerance is None else f"{cell.tolerance:.2f}"
    if cell.allowance is not None:
        near += f" (re-run allowance {cell.allowance:.1f})"
    row = "" if cell.label == number.method else f" (row {cell.label})"
    return [
        f"{number.protocol}: {of}",
        f"{number.method}{row}",
        f"{_with_spread(f'{cell.ours:.2f}', cell.spread)} (n={cell.n})",
        _with_spread(repr(number.value), number.spread),  # as printed
        "" if cell.difference is None else f"{cell.difference:+.2f}",
        near,
        cell.text,
        number.place,
        "".join(f"[{notes[note]}]" for note in cell.notes),
    ]


def _with_spread(text: str, spread: float | None) -> str:
    return text if spread is None else f"{text} ± {spread:.1f}"
