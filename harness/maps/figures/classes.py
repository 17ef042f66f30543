"""How similar a data set's classes are to a text tower, and the soft targets made from that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.maps.figures.panels import COLOURS, thin_spines
from harness.report.figures.frame import Frame, styled

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
        frame = Frame()
        room = max(frame.text_width(names[i], fontsize=_SIZE) for i in ticks) + 0.1
        width = _MARGIN + room + 2 * (_PANEL + _BAR) + 0.18 + _MARGIN
        lines = frame.wrap(caption, width - 2 * _MARGIN, fontsize=8.5)
        below = room + 0.12 + _LINE * len(lines) + _MARGIN
        frame.resize(width, _MARGIN + 0.28 + _PANEL + below)
        for number, (values, title) in enumerate(zip((cosine, distribution), titles, strict=True)):
            x = _MARGIN + room + number * (_PANEL + _BAR + 0.18)
            axes = frame.axes(x, below, _PANEL, _PANEL)
            bar = frame.axes(x + _PANEL + 0.07, below, 0.1, _PANEL)
            # The diagonal would leave one colour for all the rest.
            top = float(values[~np.eye(len(names), dtype=bool)].max(initial=0.0))
            low = float(values.min())
            image = axes.imshow(
                values, cmap=COLOURS, vmin=low, vmax=max(top, low + 1e-9), interpolation="nearest"
            )
            extend = "max" if values.max() > top else "neither"
            scale = frame.figure.colorbar(image, cax=bar, extend=extend)
            scale.ax.tick_params(labelsize=7, width=0.5)
            _dress(axes, names, ticks, number == 0)
            axes.set_title(title, fontsize=10, pad=5)
        first = below - room - 0.1 - _LINE * 0.8
        frame.lines(_MARGIN, first, lines, _LINE, fontsize=8.5, color="#222222")
        return frame.encode(kind)


def shown_ticks(classes: int) -> list[int]:
    """Return which classes are named: all, or evenly thinned ones."""
    step = -(-classes // MOST_NAMES)
    return list(range(0, classes, step))


def _dress(axes: Axes, names: Sequence[str], ticks: list[int], left: bool) -> None:
    shown = [names[i] for i in ticks]
    axes.set_xticks(ticks, shown, fontsize=_SIZE, rotation=90)
    axes.set_yticks(ticks, shown if left else [""] * len(ticks), fontsize=_SIZE)
    axes.tick_params(length=1.5, width=0.5, pad=2)
    thin_spines(axes)
