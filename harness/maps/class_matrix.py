"""How similar a data set's classes are to a text tower, and the soft targets made from that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.maps.grid import COLOURS
from harness.report.figures.frame import encode, new_figure, styled, text_width, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMES = 30
"""Classes up to which every name is written."""
_PANEL, _MARGIN, _BAR, _SIZE, _LINE = 3.3, 0.12, 0.62, 7.5, 0.145


def class_picture(
    names: Sequence[str],
    cosine: NDArray[np.float64],
    distribution: NDArray[np.float64],
    titles: tuple[str, str],
    caption: str,
    kind: str = "png",
) -> bytes:
    """Return both matrices side by side as ``png`` (200 dots per inch) or ``pdf``.

    Args:
        names: C classes.
        cosine: [C, C].
        distribution: [C, C], rows sum to one.
        titles: Over each panel.
        caption: Below.
        kind: ``png`` or ``pdf``.
    """
    ticks = shown_ticks(len(names))
    with styled():
        probe = new_figure(1, 1)
        room = max(text_width(probe, names[i], fontsize=_SIZE) for i in ticks) + 0.1
        width = _MARGIN + room + 2 * (_PANEL + _BAR) + 0.18 + _MARGIN
        lines = wrap(probe, caption, width - 2 * _MARGIN, fontsize=8.5)
        below = room + 0.12 + _LINE * len(lines) + _MARGIN
        height = _MARGIN + 0.28 + _PANEL + below
        figure = new_figure(width, height)
        for number, (values, title) in enumerate(zip((cosine, distribution), titles, strict=True)):
            x = _MARGIN + room + number * (_PANEL + _BAR + 0.18)
            axes = figure.add_axes((x / width, below / height, _PANEL / width, _PANEL / height))
            bar = figure.add_axes(
                ((x + _PANEL + 0.07) / width, below / height, 0.1 / width, _PANEL / height)
            )
            # The diagonal would leave one colour for all the rest.
            top = float(values[~np.eye(len(names), dtype=bool)].max(initial=0.0))
            low = float(values.min())
            image = axes.imshow(
                values, cmap=COLOURS, vmin=low, vmax=max(top, low + 1e-9), interpolation="nearest"
            )
            extend = "max" if values.max() > top else "neither"
            figure.colorbar(image, cax=bar, extend=extend).ax.tick_params(labelsize=7, width=0.5)
            _dress(axes, names, ticks, number == 0)
            axes.set_title(title, fontsize=10, pad=5)
        for j, line in enumerate(lines):
            y = (below - room - 0.1 - _LINE * (j + 0.8)) / height
            figure.text(_MARGIN / width, y, line, fontsize=8.5, color="#222222")
        return encode(figure, kind)


def shown_ticks(classes: int) -> list[int]:
    """Return which classes are named: all, or evenly thinned ones."""
    step = -(-classes // MOST_NAMES)
    return list(range(0, classes, step))


def _dress(axes: Axes, names: Sequence[str], ticks: list[int], left: bool) -> None:
    shown = [names[i] for i in ticks]
    axes.set_xticks(ticks, shown, fontsize=_SIZE, rotation=90)
    axes.set_yticks(ticks, shown if left else [""] * len(ticks), fontsize=_SIZE)
    axes.tick_params(length=1.5, width=0.5, pad=2)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
