"""A figure of trials: how they fell, and the best to be expected of a budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.report.figures.frame import PALETTE, dress, plot, styled
from harness.report.tuning.panel import Panel, TrialsOfRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (PALETTE[3], PALETTE[6], PALETTE[5], PALETTE[4], PALETTE[1], PALETTE[2], "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def panel_picture(panel: Panel, kind: str = "png") -> bytes:
    """Return the figure as ``png`` (200 dots per inch) or ``pdf``."""
    width, height, gap = max(7.2, 3.9 + 1.1 * len(panel.rows)), 2.7, 0.75
    left = (width - 0.62 - 0.15 - gap) * 0.5
    with styled():
        frame, strips = plot(
            width,
            height,
            _notes(panel),
            panel.title,
            sides=(0.62, width - 0.62 - left),
            labels=0.73,
            head=0.45,
        )
        foot = frame.title_foot - 0.45 - height
        curves = frame.axes(0.62 + left + gap, foot, width - 0.77 - left - gap, height)
        _strips(strips, panel.rows)
        _curves(curves, panel.rows)
        frame.legend(curves, 0.05, fontsize=9.5, handlelength=1.6, columnspacing=1.2)
        return frame.encode(kind)


def _notes(panel: Panel) -> str:
    failed = sum(row.failed for row in panel.rows)
    lost = f" {failed} failed, which counts as 0." if failed else ""
    return (
        f"{panel.where}; mean over targets. Left: each trial's validation accuracy; ring: "
        "the row's own values; bar: median; star: best. Right: expected best after so many "
        "trials (Dodge et al., 2019, from the scores found); cross: accuracy tested with the "
        f"values chosen, on other images. {panel.about}{lost}"
    )


def _strips(axes: Axes, rows: tuple[TrialsOfRow, ...]) -> None:
    for at, row in enumerate(rows):
        colour, n = _COLOURS[at % len(_COLOURS)], len(row.scores)
        x = [at + 0.3 * (i / max(1, n - 1) - 0.5) for i in range(n)]
        axes.scatter(x, row.scores, s=14, color=colour, alpha=0.75, linewidth=0, zorder=2)
        axes.scatter(x[:1], row.scores[:1], s=80, facecolor="none", edgecolor=colour, zorder=3)
        axes.hlines(row.median, at - 0.28, at + 0.28, color=colour, linewidth=1.6, zorder=1)
        best = [x[row.scores.index(row.best)]], [row.best]
        axes.scatter(*best, s=60, marker="*", color=colour, linewidth=0, zorder=4)
    axes.set_xlim(-0.5, len(rows) - 0.5)
    axes.set_xticks(range(len(rows)), [_broken(row.row) for row in rows], fontsize=8.5)
    dress(axes, "Validation accuracy (%)", 10.5, 9.5)


def _curves(axes: Axes, rows: tuple[TrialsOfRow, ...]) -> None:
    longest = max(len(row.curve) for row in rows)
    for at, row in enumerate(rows):
        colour = _COLOURS[at % len(_COLOURS)]
        budgets = range(1, len(row.curve) + 1)
        axes.plot(budgets, row.curve, color=colour, marker=_MARKERS[at % len(_MARKERS)],
                  markersize=3.5, linewidth=1.3, label=row.row, zorder=3)  # fmt: skip
        if row.tested is not None:
            axes.scatter([longest + 1], [row.tested], marker="x", s=30, color=colour, zorder=4)
    step = math.ceil(longest / 8)
    ticks = [n for n in range(1, longest + 1) if n == 1 or n % step == 0]
    axes.set_xticks([*ticks, longest + 1], [*map(str, ticks), "tested"])
    axes.tick_params(axis="x", labelsize=9.5, width=0.7)
    axes.set_xlabel("Trials", fontsize=10.5)
    dress(axes, "Expected best (%)", 10.5, 9.5)


def _broken(label: str) -> str:
    """Return a label on lines that stand beside each other."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + len(word) > 11:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
