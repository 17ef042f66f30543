"""The largest type in which a LaTeX table fits into the text, by the widths of its letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

TEXT_WIDTH = 397.48
"""Points: 5.5 inches, as ICLR's and NeurIPS' styles have it."""
_SIZES = (("", 10.0, 6), ("small", 9.25, 5), ("footnotesize", 8.5, 4), ("scriptsize", 8.0, 3))
"""A size, its em in points (the small faces of Computer Modern are wider than a smaller one would
be), and the room on either side of a column."""
_SCRIPT = 8.0
"""Of what stands behind a number, whatever the size of the table."""
_BOLD = 1.15
_LEAST, _MOST = 0.2, 0.35
"""Shares of the text between which the first column is broken into lines."""
_EMS = {
    letter: width / 100
    for width, letters in (
        (28, "il.,:;'!|[]`"), (34, "jf- "), (40, "rst()I"), (45, "cez†‡"),
        (50, 'ago0123456789/$*"^~–'), (53, "kqvxy?J_"), (56, "bdhnpu·S"), (63, "LZ"), (69, "EFP"),
        (74, "BCRTw"), (84, "m%#"), (103, "MW"),
    )
    for letter in letters
}  # fmt: skip
"""Widths of letters of Computer Modern, which is wider than Times; what is not here is a capital
or a sign."""


@dataclass(frozen=True)
class Text:
    """What is printed in a cell: a number or a word, and what stands behind it in small type."""

    text: str
    behind: str = ""
    bold: bool = False

    def width(self, em: float) -> float:
        """Return how wide it is in points."""
        behind = 0.34 * em + _SCRIPT * ems(self.behind) if self.behind else 0.0
        return em * ems(self.text) * (_BOLD if self.bold else 1.0) + behind


@dataclass(frozen=True)
class Layout:
    """How a table is set so that it fits."""

    size: str
    """LaTeX's command without its backslash; empty for the text's own."""
    separation: int
    """Points on either side of a column."""
    first: float | None
    """Points that the first column is broken to; None where it is not."""
    parts: tuple[tuple[int, ...], ...]
    """Columns of the tables to set below each other, each with the first column: one, unless there
    are too many columns for any type."""


def ems(text: str) -> float:
    """Return how wide a text is in ems, rather too wide."""
    wide = {letter: 1.0 for letter in text if unicodedata.east_asian_width(letter) in "WF"}
    return sum(_EMS.get(letter, wide.get(letter, 0.79)) for letter in text)


def layout_of(rows: Sequence[Sequence[Text]]) -> Layout:
    """Return how a table of these rows, the head among them, fits into `TEXT_WIDTH`."""
    every = tuple(range(len(rows[0])))
    for size, em, separation in _SIZES:
        widths = [max(row[i].width(em) for row in rows) + 2 * separation for i in every]
        if sum(widths) <= TEXT_WIDTH:
            return Layout(size, separation, None, (every,))
    left = TEXT_WIDTH - sum(widths[1:])
    if left - 2 * separation >= _LEAST * TEXT_WIDTH:
        return Layout(size, separation, left - 2 * separation, (every,))
    first = min(widths[0], _MOST * TEXT_WIDTH)
    broken = first - 2 * separation if first < widths[0] else None
    parts: list[tuple[int, ...]] = []
    for i in every[1:]:
        if parts and first + sum(widths[k] for k in (*parts[-1][1:], i)) <= TEXT_WIDTH:
            parts[-1] += (i,)
        else:
            parts.append((0, i))
    return Layout(size, separation, broken, tuple(parts) or (every,))
