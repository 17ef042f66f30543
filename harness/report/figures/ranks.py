"""The critical-difference diagram (Demšar 2006): average ranks, and which are not told apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.report.comparison.ranks import Ranks
from harness.report.figures.frame import plot, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _LINE, _TOP, _BAR = 6.6, 0.24, 0.62, 0.13
"""Inches: of the figure, from name to name, above the axis, and from bar to bar."""
_SIZE = 9.5


def ranks_picture(ranks: Ranks, kind: str = "png") -> bytes:
    """Return the diagram as ``png`` or ``pdf``; the best is on the left."""
    k = len(ranks.rows)
    half = math.ceil(k / 2)
    bars = _BAR * len(ranks.cliques) + 0.12
    height = _TOP + bars + _LINE * half + 0.1
    apart = "" if ranks.over == "datasets" else " Targets are not independent blocks."
    notes = (
        f"Average ranks over {len(ranks.blocks)} {ranks.one}s, {ranks.about}. Thick bars join "
        f"methods that are not told apart: CD = {ranks.cd:.2f} (Nemenyi, {ranks.alpha:g}).{apart}"
    )
    with styled():
        frame, axes = plot(_WIDTH, height, notes, sides=(0.2, 0.2), labels=0.25, head=0.1)
        names = [row.label for row in ranks.rows]
        widths = [frame.text_width(name, fontsize=_SIZE) for name in names]
        left, right = max(widths[:half]) + 0.15, max(widths[half:]) + 0.15
        span = _WIDTH - 0.4
        axes.set_xlim(0, span)
        axes.set_ylim(-height, 0)
        axes.axis("off")

        def place(rank: float) -> float:
            return left + 0.15 + (rank - 1) / (k - 1) * (span - left - right - 0.3)

        _axis(axes, ranks, place(1), place(k))
        for i, row in enumerate(ranks.rows):
            x, best = place(row.rank), i < half
            y = -_TOP - bars - _LINE * (i if best else k - 1 - i)
            end = left if best else span - right
            axes.plot([x, x, end], [-_TOP, y, y], color="black", linewidth=0.8)
            axes.text(end + (-0.06 if best else 0.06), y, row.label, fontsize=_SIZE,
                      ha="right" if best else "left", va="center")  # fmt: skip
        for i, (first, last) in enumerate(ranks.cliques):
            y = -_TOP - 0.12 - _BAR * i
            ends = [place(ranks.rows[first].rank) - 0.04, place(ranks.rows[last].rank) + 0.04]
            axes.plot(ends, [y, y], color="black", linewidth=3, solid_capstyle="butt", zorder=3)
        return frame.encode(kind)


def _axis(axes: Axes, ranks: Ranks, low: float, high: float) -> None:
    """Draw the ranks' axis with its ticks, and above it how long a critical difference is."""
    k = len(ranks.rows)
    step = (high - low) / (k - 1)
    axes.plot([low, high], [-_TOP, -_TOP], color="black", linewidth=1)
    for rank in range(1, k + 1):
        x = low + step * (rank - 1)
        axes.plot([x, x], [-_TOP, -_TOP + 0.07], color="black", linewidth=1)
        axes.text(x, -_TOP + 0.1, str(rank), fontsize=_SIZE, ha="center", va="bottom")
    length = min(ranks.cd, k - 1) * step
    y = -0.2
    axes.plot([low, low + length], [y, y], color="black", linewidth=1)
    for x in (low, low + length):
        axes.plot([x, x], [y - 0.04, y + 0.04], color="black", linewidth=1)
    text = f"CD = {ranks.cd:.2f}"
    axes.text(low + length + 0.08, y, text, fontsize=_SIZE, ha="left", va="center")
