"""The share of attention on the object as bars, by block and method, beside chance."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.report.figures.ablation import PALETTE
from harness.report.figures.frame import encode, new_figure, styled, text_width, wrap
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
    with styled():
        figure = new_figure(width, 1)
        lines = wrap(figure, caption, width - 0.3, fontsize=8.5)
        below = 0.5 + 0.16 * len(lines)
        names = [*(row.label for row in area.rows), CHANCE]
        entries = [text_width(figure, name, fontsize=_LEGEND) + 0.37 for name in names]
        columns = len(names)
        if sum(entries) > width - 0.2:
            columns = max(1, int((width - 0.2) / max(entries)))
        above = 0.12 + 0.2 * -(-len(names) // columns)
        height = 2.4 + below + above
        figure.set_size_inches(width, height)
        axes = figure.add_axes((0.6 / width, below / height, 1 - 0.7 / width, 2.4 / height))
        _bars(axes, tables, groups, chance)
        by_name = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(
            [by_name[name] for name in names], names,
            loc="upper center", ncols=columns, frameon=False, fontsize=_LEGEND,
            bbox_to_anchor=(0.5, 1 - 0.05 / height), handlelength=1.2, handleheight=0.8,
            columnspacing=1.0, borderaxespad=0, labelspacing=0.25,
        )  # fmt: skip
        for i, line in enumerate(lines):
            y = (below - 0.5 - 0.16 * i) / height
            figure.text(0.15 / width, y, line, fontsize=8.5, color="#333333", va="baseline")
        return encode(figure, kind)


def _bars(axes: Axes, tables: Mapping[str, Table], groups: Sequence[str], chance: float) -> None:
    rows = tables["area"].rows
    width = 0.84 / len(rows)
    highest = chance
    for r, row in enumerate(rows):
        cells = [tables[name].rows[r].mean for name in groups]
        x = [g + (r - (len(rows) - 1) / 2) * width for g in range(len(groups))]
        heights = [cell.mean or 0.0 for cell in cells]
        axes.bar(
            x, heights, width, color=PALETTE[r % len(PALETTE)], edgecolor="white", linewidth=0.4,
            hatch="///" if r >= len(PALETTE) else None, label=row.label, zorder=2,
        )  # fmt: skip
        known = [(at, c.mean, c.spread) for at, c in zip(x, cells, strict=True)
                 if c.mean is not None and c.spread is not None]  # fmt: skip
        if known:
            axes.errorbar(
                [k[0] for k in known], [k[1] for k in known], [k[2] for k in known], fmt="none",
                ecolor="#222222", elinewidth=0.7, capsize=1.3, capthick=0.7, zorder=3,
            )  # fmt: skip
        highest = max([highest, *((c.mean or 0) + (c.spread or 0) for c in cells)])
    axes.axhline(
        chance, color="black", linewidth=1, linestyle=(0, (4, 2)), zorder=4,
        label=CHANCE,
    )  # fmt: skip
    axes.set_ylim(0, highest * 1.08)
    axes.set_xlim(-0.55, len(groups) - 0.45)
    names = [name.removeprefix("block ").removesuffix(" blocks") for name in groups]
    axes.set_xticks(range(len(groups)), names)
    means = sum(not name.isdigit() for name in names)
    axes.axvline(len(groups) - means - 0.5, color="#999999", linewidth=0.6, zorder=1)
    axes.set_ylabel("Attention on the object (%)", fontsize=10)
    axes.tick_params(axis="x", length=0, labelsize=9)
    axes.tick_params(axis="y", labelsize=9, width=0.7)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.6, zorder=0)
    for place in ("top", "right"):
        axes.spines[place].set_visible(False)
    axes.set_xlabel("Block; means over blocks", fontsize=9, labelpad=2)
