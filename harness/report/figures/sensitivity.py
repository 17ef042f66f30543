"""Accuracy against a parameter, with the spread over seeds as a band."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.figures.ablation import PALETTE
from harness.report.figures.frame import encode, new_figure, styled, wrap
from harness.report.figures.specs import Lines, line_points
from harness.report.tables.caption import heading
from harness.report.tables.model import Table
from harness.report.tables.spread import MEANING
from harness.sweep.figures import LineSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _PLOT = 5.6, 2.7
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_COLOURS = ("#000000", *PALETTE[1:])
"""The mean is black and thick; the light grey of bars would be too faint for a line."""


def line_picture(table: Table, spec: LineSpec, kind: str = "png") -> bytes:
    """Return the figure as ``png`` (200 dots per inch) or ``pdf``."""
    data = line_points(table, spec)
    with styled():
        figure = new_figure(_WIDTH, 1)
        lines = wrap(figure, footnote(table, data), _WIDTH - 0.3, fontsize=8.5)
        title = wrap(figure, spec.title, _WIDTH - 0.3, fontsize=12)
        below, above = 0.72 + 0.16 * len(lines), 0.45 + 0.23 * len(title)
        height = _PLOT + below + above
        figure.set_size_inches(_WIDTH, height)
        axes = figure.add_axes((0.62 / _WIDTH, below / height, 1 - 0.8 / _WIDTH, _PLOT / height))
        _draw(axes, data, table.mean_head if table.has_mean else "")
        axes.set_xlabel(spec.x_label, fontsize=10.5)
        handles, names = axes.get_legend_handles_labels()
        figure.legend(
            handles, names, loc="upper center", ncols=min(len(names), 5), frameon=False,
            fontsize=9.5, bbox_to_anchor=(0.5, 1 - (0.05 + 0.23 * len(title)) / height),
            handlelength=1.6, columnspacing=1.2, borderaxespad=0,
        )  # fmt: skip
        for i, line in enumerate(title):
            figure.text(0.5, 1 - (0.24 + 0.23 * i) / height, line, ha="center", fontsize=12)
        for i, line in enumerate(lines):
            y = (below - 0.73 - 0.16 * i) / height
            figure.text(0.15 / _WIDTH, y, line, fontsize=8.5, color="#333333")
        return encode(figure, kind)


def footnote(table: Table, data: Lines) -> str:
    """Return what a reader must know to read the lines rightly."""
    cells = [cell for line in data.lines for cell in line.cells]
    counts = {cell.n for cell in cells if cell.n}
    sentences = [f"{heading(table)}."]
    if max(counts, default=0) > 1:
        n = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
        sentences.append(f"Bands: ± {MEANING[table.spread]} over n = {n} seeds.")
    elif counts:
        sentences.append("One seed (n = 1), so no bands.")
    if data.bottom:
        sentences.append(f"The axis starts at {data.bottom:g} %, not at zero.")
    holes = sum(cell.mean is None for cell in cells)
    if holes:
        sentences.append(f"{holes} point{'s' if holes > 1 else ''} without a result.")
    return " ".join(sentences)


def _draw(axes: Axes, data: Lines, mean: str) -> None:
    others = iter(range(1, 1 + len(data.lines)))
    for line in data.lines:
        index = 0 if line.column == mean else next(others)
        known = [
            (x, cell.mean, cell.spread or 0.0)
            for x, cell in zip(line.x, line.cells, strict=True)
            if cell.mean is not None
        ]
        if not known:
            continue
        x, y, spread = (list(values) for values in zip(*known, strict=True))
        colour = _COLOURS[index % len(_COLOURS)]
        low = [a - b for a, b in zip(y, spread, strict=True)]
        high = [a + b for a, b in zip(y, spread, strict=True)]
        axes.fill_between(x, low, high, color=colour, alpha=0.14, linewidth=0, zorder=1)
        axes.plot(
            x, y, color=colour, marker=_MARKERS[index % len(_MARKERS)], markersize=4,
            linewidth=2.2 if index == 0 else 1.3, label=line.column, zorder=3 if index else 4,
        )  # fmt: skip
    axes.set_ylim(data.bottom, data.top)
    axes.set_xticks(sorted({x for line in data.lines for x in line.x}))
    axes.set_ylabel("Top-1 accuracy (%)", fontsize=10.5)
    axes.tick_params(labelsize=9.5, width=0.7)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
