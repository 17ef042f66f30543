"""Maps as a picture: a row for each image, a column for each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.report.figures.frame import Frame, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Even in lightness, the same to colour-blind readers, and readable in grey.
COLOURS = "viridis"
IMAGE_SHARE = 0.35
OUTLINED_SHARE = 0.15
"""The image's part of an overlay; an outline lets more of the map show."""
# Inches, and points for type.
_PANEL, _GAP, _GROUP_GAP, _MARGIN = 0.86, 0.045, 0.16, 0.1
_NAME, _HEAD, _TEXT = 8.5, 8.0, 8.0
_LINE = 0.135
_CAPTION_LINE = _LINE * 1.05
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
class MapColumn:
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
    rows: Sequence[MapImage], columns: Sequence[MapColumn], caption: str, kind: str = "png"
) -> bytes:
    """Return the figure as ``png`` (200 dots per inch) or ``pdf``."""
    with styled():
        return _draw(rows, columns, caption).encode(kind)


def _draw(rows: Sequence[MapImage], columns: Sequence[MapColumn], caption: str) -> Frame:
    frame = Frame()
    names = [frame.wrap(row.name, 0.85, fontsize=_NAME) for row in rows]
    heads = [frame.wrap(column.label, _PANEL + 0.02, fontsize=_HEAD) for column in columns]
    groups = [(name, len(list(part))) for name, part in groupby(columns, lambda c: c.group)]
    spans = [n * (_PANEL + _GAP) - _GAP for _, n in groups]
    titles = [
        frame.wrap(name, span, fontsize=_HEAD + 0.5)
        for (name, _), span in zip(groups, spans, strict=True)
    ]
    left = _MARGIN + 0.9
    lefts, x = [], left + _PANEL + _GROUP_GAP
    for span in spans:
        lefts.append(x)
        x += span + _GROUP_GAP
    width = x - _GROUP_GAP + _BAR + _MARGIN
    lines = frame.wrap(caption, width - 2 * _MARGIN, fontsize=_TEXT)
    head_lines = max(map(len, heads))
    head = _LINE * (head_lines + max(map(len, titles))) + 0.16
    body = len(rows) * (_PANEL + _GAP) - _GAP
    frame.resize(width, _MARGIN + head + body + 0.1 + _CAPTION_LINE * len(lines) + _MARGIN)
    top = frame.height - _MARGIN - head
    bottoms = [top - i * (_PANEL + _GAP) - _PANEL for i in range(len(rows))]
    for row, name, bottom in zip(rows, names, bottoms, strict=True):
        first = bottom + _PANEL / 2 + _LINE * (len(name) - 1) / 2
        frame.lines(left - 0.07, first, name, _LINE, fontsize=_NAME, ha="right", va="center")
        _panel(frame, left, bottom, row.image, None)
    upward: dict[str, Any] = {"step": -_LINE, "ha": "center", "va": "bottom"}
    frame.lines(left + _PANEL / 2, top + 0.06, ["image"], fontsize=_HEAD, **upward)
    rest = iter(zip(columns, heads, strict=True))
    for (_, count), title, start, span in zip(groups, titles, lefts, spans, strict=True):
        over = top + 0.1 + _LINE * head_lines
        frame.rule(start, start + span, over, 0.6)
        frame.lines(start + span / 2, over + 0.035, title[::-1], fontsize=_HEAD + 0.5, **upward)
        for place in range(count):
            column, label = next(rest)
            x = start + place * (_PANEL + _GAP)
            frame.lines(x + _PANEL / 2, top + 0.05, label[::-1], fontsize=_HEAD, **upward)
            for row, values, bottom in zip(rows, column.maps, bottoms, strict=True):
                share = IMAGE_SHARE if row.mask is None else OUTLINED_SHARE
                _panel(frame, x, bottom, overlay(values, row.image, share), row.mask)
    _colour_bar(frame, lefts[-1] + spans[-1] + 0.1, top - body, min(body, 1.8))
    first = top - body - 0.1 - _CAPTION_LINE * 0.8
    frame.lines(_MARGIN, first, lines, _CAPTION_LINE, fontsize=_TEXT, color="#222222")
    return frame


def _panel(frame: Frame, x: float, y: float, pixels: Any, mask: Any) -> None:
    axes = frame.axes(x, y, _PANEL, _PANEL)
    axes.imshow(pixels, interpolation="nearest")
    axes.set_axis_off()
    if mask is not None:
        axes.contour(mask, [127.5], colors="white", linewidths=1.3)
        axes.contour(mask, [127.5], colors="black", linewidths=0.6)


def _colour_bar(frame: Frame, x: float, y: float, length: float) -> None:
    import matplotlib as mpl

    axes = frame.axes(x, y, 0.09, length)
    ramp = np.linspace(1, 0, 128)[:, None]
    axes.imshow(mpl.colormaps[COLOURS](ramp)[..., :3], aspect="auto", extent=(0, 1, 0, 1))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks([0, 1], ["min", "max"], fontsize=7)
    axes.tick_params(length=2, width=0.5, pad=1.5)
    thin_spines(axes)


def thin_spines(axes: Axes) -> None:
    """Draw a thin box around the axes."""
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
