"""The share of attention on the object as bars, by block and method, beside chance."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.report.figures.frame import PALETTE, Frame, dress, plot, styled
from harness.report.tables.model import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHANCE = "uniform attention"
_LEGEND = 8.5


def share_picture(
    tables: Mapping[str, Table], groups: Sequence[str], caption: str, kind: str = "png"
) -> bytes:
    """Return bars of the share by block and row, chance as a line, as ``png`` or ``pdf``."""
    area = tables["area"]
    chance = statistics.fmean(row.mean.mean for row in area.rows if row.mean.mean is not None)
    n_rows = len(area.rows)
    width = min(max(5.6, 0.105 * n_rows * len(groups) + 0.25 * len(groups) + 1.0), 14.0)
    names = [*(row.label for row in area.rows), CHANCE]
    with styled():
        measure = Frame()
        entries = [measure.text_width(name, fontsize=_LEGEND) + 0.37 for name in names]
        columns = len(names)
        if sum(entries) > width - 0.2:
            columns = max(1, int((width - 0.2) / max(entries)))
        head = 0.12 + 0.2 * -(-len(names) // columns)
        room: dict[str, Any] = {"sides": (0.6, 0.1), "labels": 0.5, "head": head, "foot": 0.16}
        frame, axes = plot(width, 2.4, caption, **room)
        _bars(axes, tables, groups, chance)
        style = {"handlelength": 1.2, "handleheight": 0.8, "columnspacing": 1.0}
        style |= {"labelspacing": 0.25, "fontsize": _LEGEND, "ncols": columns}
        frame.legend(axes, 0.05, names, **style)
        return frame.encode(kind)


def _bars(axes: Axes, tables: Mapping[str, Table], groups: Sequence[str], chance: float) -> None:
    rows = tables["area"].rows
    width = 0.84 / len(rows)
    highest = chance
    for r, row in enumerate(rows):
        cells = [tables[name].rows[r].mean for name in groups]
        x = [g + (r - (len(rows) - 1) / 2) * width for g in range(len(groups))]
        heights = [cell.mean or 0.0 for cell in cells]
        style: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.4, "zorder": 2}
        style["hatch"] = "///" if r >= len(PALETTE) else None
        colour = PALETTE[r % len(PALETTE)]
        axes.bar(x, heights, width, color=colour, label=row.label, **style)
        known = [
            (at, cell.mean, cell.spread)
            for at, cell in zip(x, cells, strict=True)
            if cell.mean is not None and cell.spread is not None
        ]
        if known:
            places, means, spreads = (list(column) for column in zip(*known, strict=True))
            error: dict[str, Any] = {"elinewidth": 0.7, "capsize": 1.3, "capthick": 0.7}
            error |= {"fmt": "none", "ecolor": "#222222", "zorder": 3}
            axes.errorbar(places, means, spreads, **error)
        highest = max([highest, *((c.mean or 0) + (c.spread or 0) for c in cells)])
    dashed = (0, (4, 2))
    axes.axhline(chance, color="black", linewidth=1, linestyle=dashed, zorder=4, label=CHANCE)
    axes.set_ylim(0, highest * 1.08)
    axes.set_xlim(-0.55, len(groups) - 0.45)
    names = [name.removeprefix("block ").removesuffix(" blocks") for name in groups]
    axes.set_xticks(range(len(groups)), names)
    n_means = sum(not name.isdigit() for name in names)
    # below the grid, which lies below the bars
    axes.axvline(len(groups) - n_means - 0.5, color="#999999", linewidth=0.6, zorder=0.4)
    axes.tick_params(axis="x", length=0, labelsize=9)
    dress(axes, "Attention on the object (%)", 10, 9)
    axes.set_xlabel("Block; means over blocks", fontsize=9, labelpad=2)
