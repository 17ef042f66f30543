"""An ablation as grouped bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.report.figures.frame import PALETTE, dress, plot, styled
from harness.report.figures.gains import Ablation, ablation_bars
from harness.report.figures.notes import axis_label, footnote
from harness.report.tables.model import Table
from harness.sweep.figures import AblationSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HATCHES = ("", "///", "...", "xxx")
_WIDTH = 0.8


def ablation_picture(table: Table, spec: AblationSpec, kind: str = "png") -> bytes:
    """Return the figure as ``png`` (200 dots per inch) or ``pdf``."""
    data = ablation_bars(table, spec)
    n_bars = sum(len(group.bars) for group in data.groups)
    width = min(max(5.2, 0.31 * n_bars + 0.35 * len(data.groups) + 0.9), 16.0)
    sides = (0.62, 0.12)
    with styled():
        notes = ablation_notes(table, data)
        frame, axes = plot(width, 2.5, notes, spec.title, sides=sides, labels=0.53, head=0.45)
        _draw(axes, data, (width - sum(sides)) / len(data.groups))
        dress(axes, axis_label(table), 10.5, 9.5)
        frame.legend(axes, 0.07, fontsize=10, handlelength=1.1, handleheight=0.9, columnspacing=1.4)
        return frame.encode(kind)


def ablation_notes(table: Table, data: Ablation) -> str:
    """Return what a reader must know to read the bars rightly."""
    cells = [bar.cell for group in data.groups for bar in group.bars]
    gains = f"Above bars: gain over {data.over}, in points."
    text = footnote(table, cells, data.bottom, "error bars", "bar", gains)
    partial = sum(cell.mean is not None and not cell.complete for cell in cells)
    return f"{text} *: {partial} from fewer seeds than planned." if partial else text


def _draw(axes: Axes, data: Ablation, group_inches: float) -> None:
    n_bars = len(data.groups[0].bars)
    width = _WIDTH / n_bars
    bar_inches = group_inches * width
    size = min(8.5, max(4.5, bar_inches * 72 / 2.3))  # four characters, a little wider than a bar
    for b in range(n_bars):
        style: dict[str, Any] = {
            "color": PALETTE[b % len(PALETTE)],
            "hatch": _HATCHES[b // len(PALETTE) % len(_HATCHES)],
            "edgecolor": "white",
            "linewidth": 0.6,
            "label": data.groups[0].bars[b].label,
        }
        for g, group in enumerate(data.groups):
            bar, x = group.bars[b], g + (b - (n_bars - 1) / 2) * width
            cell = bar.cell
            height = data.bottom if cell.mean is None else cell.mean
            axes.bar(x, height - data.bottom, width, bottom=data.bottom, zorder=2, **style)
            style["label"] = None  # one entry in the legend for all groups
            if cell.mean is None:
                text = "failed" if cell.n_failed else "missing"
                _note(axes, x, data.bottom, text, size, rotation=90, color="#777777")
                continue
            if cell.spread is not None:
                error: dict[str, Any] = {"elinewidth": 0.9, "capsize": 2, "capthick": 0.9}
                axes.errorbar(x, cell.mean, cell.spread, color="#222222", zorder=3, **error)
            text = "" if bar.gain is None else f"{bar.gain:+.1f}".replace("-", "−")
            text += "" if cell.complete else "*"
            _note(axes, x, cell.mean + (cell.spread or 0), text, size, color="#222222")
    _dress(axes, data)


def _note(axes: Axes, x: float, y: float, text: str, size: float, **style: Any) -> None:
    place: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "bottom"}
    axes.annotate(text, (x, y), (0, 2.5), fontsize=size, **place, **style)


def _dress(axes: Axes, data: Ablation) -> None:
    axes.set_ylim(data.bottom, data.top)
    axes.set_xlim(-0.6, len(data.groups) - 0.4)
    axes.set_xticks(range(len(data.groups)), [group.column for group in data.groups], fontsize=10.5)
    axes.tick_params(axis="x", length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_linewidth(0.7)
    if data.bottom:  # the usual sign that the axis is cut, at its foot
        axes.plot(
            [0, 0],
            [0.025, 0.055],
            transform=axes.transAxes,
            clip_on=False,
            color="black",
            linestyle="none",
            marker=[(-1, -0.5), (1, 0.5)],
            markersize=8,
            markeredgewidth=0.8,
            zorder=5,
        )
