"""Maps as a picture: a row for each image, a column for each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.report.figures.frame import encode, new_figure, styled, wrap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Even in lightness, the same to colour-blind readers, and readable in grey.
COLOURS = "viridis"
IMAGE_SHARE = 0.35
OUTLINED_SHARE = 0.15
"""The image's part of an overlay; an outline lets more of the map show."""
# Inches, and points for type.
_PANEL, _GAP, _GROUP_GAP, _MARGIN = 0.86, 0.045, 0.16, 0.1
_NAME, _HEAD, _TEXT = 8.5, 8.0, 8.0
_LINE = 0.135
_BAR = 0.42


@dataclass(frozen=True)
class MapImage:
    """An image."""

    name: str
    """Of its class."""
    image: NDArray[np.uint8]
    """[P, P, 3]."""
    mask: NDArray[np.uint8] | None = None
    """[P, P], 0 to 255: its outline is drawn on every map."""


@dataclass(frozen=True)
class Column:
    """A method's maps."""

    group: str
    """Stands once over neighbouring columns of the same group."""
    label: str
    maps: tuple[NDArray[np.float64], ...]
    """One for each image, [P, P] in 0..1."""


def overlay(
    values: NDArray[np.float64], image: NDArray[np.uint8], share: float = IMAGE_SHARE
) -> NDArray[np.float64]:
    """Lay a map [P, P] in 0..1 over the image in grey; return [P, P, 3] in 0..1."""
    import matplotlib as mpl

    grey = image.astype(np.float64) @ np.array([0.299, 0.587, 0.114]) / 255
    colour = mpl.colormaps[COLOURS](values)[..., :3]
    mixed: NDArray[np.float64] = share * grey[..., None] + (1 - share) * colour
    return mixed


def map_picture(
    rows: Sequence[MapImage], columns: Sequence[Column], caption: str, kind: str = "png"
) -> bytes:
    """Return the figure as ``png`` (200 dots per inch) or ``pdf``."""
    with styled():
        return encode(_draw(rows, columns, caption), kind)


def _draw(rows: Sequence[MapImage], columns: Sequence[Column], caption: str) -> Figure:
    probe = new_figure(1, 1)
    names = [wrap(probe, row.name, 0.85, fontsize=_NAME) for row in rows]
    heads = [wrap(probe, column.label, _PANEL + 0.02, fontsize=_HEAD) for column in columns]
    groups = [(name, len(list(part))) for name, part in groupby(columns, lambda c: c.group)]
    spans = [n * (_PANEL + _GAP) - _GAP for _, n in groups]
    titles = [
        wrap(probe, name, span, fontsize=_HEAD + 0.5)
        for (name, _), span in zip(groups, spans, strict=True)
    ]
    left = _MARGIN + 0.9
    lefts, x = [], left + _PANEL + _GROUP_GAP
    for span in spans:
        lefts.append(x)
        x += span + _GROUP_GAP
    width = x - _GROUP_GAP + _BAR + _MARGIN
    lines = wrap(probe, caption, width - 2 * _MARGIN, fontsize=_TEXT)
    head = _LINE * (max(map(len, heads)) + max(map(len, titles))) + 0.16
    body = len(rows) * (_PANEL + _GAP) - _GAP
    height = _MARGIN + head + body + 0.1 + _LINE * 1.05 * len(lines) + _MARGIN
    figure = new_figure(width, height)
    top = height - _MARGIN - head

    def put(x: float, y: float, text: str, **style: Any) -> None:
        figure.text(x / width, y / height, text, **style)

    def panel(x: float, row: int, pixels: Any, mask: Any) -> None:
        y = top - row * (_PANEL + _GAP) - _PANEL
        axes = figure.add_axes((x / width, y / height, _PANEL / width, _PANEL / height))
        axes.imshow(pixels, interpolation="nearest")
        axes.set_axis_off()
        if mask is not None:
            axes.contour(mask, [127.5], colors="white", linewidths=1.3)
            axes.contour(mask, [127.5], colors="black", linewidths=0.6)

    for i, row in enumerate(rows):
        middle = top - i * (_PANEL + _GAP) - _PANEL / 2
        for j, line in enumerate(names[i]):
            y = middle + _LINE * ((len(names[i]) - 1) / 2 - j)
            put(left - 0.07, y, line, fontsize=_NAME, ha="right", va="center")
        panel(left, i, row.image, None)
    put(left + _PANEL / 2, top + 0.06, "image", fontsize=_HEAD, ha="center", va="bottom")
    number = 0
    for (_, count), title, start, span in zip(groups, titles, lefts, spans, strict=True):
        over = top + 0.1 + _LINE * max(map(len, heads))
        _rule(figure, start, start + span, over, width, height)
        for j, line in enumerate(reversed(title)):
            y = over + 0.035 + _LINE * j
            put(start + span / 2, y, line, fontsize=_HEAD + 0.5, ha="center", va="bottom")
        for place in range(count):
            x = start + place * (_PANEL + _GAP)
            for j, line in enumerate(reversed(heads[number])):
                y = top + 0.05 + _LINE * j
                put(x + _PANEL / 2, y, line, fontsize=_HEAD, ha="center", va="bottom")
            for i, row in enumerate(rows):
                values = columns[number].maps[i]
                share = IMAGE_SHARE if row.mask is None else OUTLINED_SHARE
                panel(x, i, overlay(values, row.image, share), row.mask)
            number += 1
    _colour_bar(figure, (lefts[-1] + spans[-1] + 0.1, top - body), min(body, 1.8), width, height)
    for j, line in enumerate(lines):
        y = top - body - 0.1 - _LINE * 1.05 * (j + 0.8)
        put(_MARGIN, y, line, fontsize=_TEXT, color="#222222", va="baseline")
    return figure


def _rule(figure: Figure, x0: float, x1: float, y: float, width: float, height: float) -> None:
    from matplotlib.lines import Line2D

    line = Line2D([x0 / width, x1 / width], [y / height] * 2, color="black", linewidth=0.6)
    figure.add_artist(line)


def _colour_bar(
    figure: Figure, corner: tuple[float, float], length: float, width: float, height: float
) -> None:
    import matplotlib as mpl

    x, y = corner
    axes = figure.add_axes((x / width, y / height, 0.09 / width, length / height))
    ramp = np.linspace(1, 0, 128)[:, None]
    axes.imshow(mpl.colormaps[COLOURS](ramp)[..., :3], aspect="auto", extent=(0, 1, 0, 1))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks([0, 1], ["min", "max"], fontsize=7)
    axes.tick_params(length=2, width=0.5, pad=1.5)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
