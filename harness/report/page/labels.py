"""Where the labels of a plot go: on no point and on no other label."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.report.page.axes import BOTTOM, HEIGHT, LEFT, WIDTH

RADIUS = 5.0
"""Of a point."""
_SIZE = 12.0
Place = tuple[float, float]
Boxes = NDArray[np.float64]
"""Left, top, right and bottom of a box in each row."""


@dataclass(frozen=True)
class Box:
    """A rectangle in the plot's units."""

    left: float
    top: float
    right: float
    bottom: float


def shortened(text: str, most: int = 34) -> str:
    """Return `text` in at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def text_size(text: str, bold: bool) -> float:
    """Return about how wide a label is; rather too wide, whatever the reader's font."""
    ems = sum(
        1.05
        if unicodedata.east_asian_width(c) in "WF"
        else 0.36
        if c in "iljtf.,:;'|![]()I "
        else 0.92
        if c in "mwMW@%"
        else 0.7
        if c.isupper()
        else 0.6
        for c in text
    )
    return _SIZE * ems * (1.12 if bold else 1.0)


def place_labels(
    texts: Sequence[str], places: Sequence[Place], front: Sequence[bool], lines: Sequence[Box]
) -> list[Box | None]:
    """Place labels one after the other, the front's first, on no point and no other label.

    Of the free places the one is taken that is near and has least in its way.

    Args:
        texts: The labels.
        places: Their points.
        front: Which of the points are on the front; their labels are bold.
        lines: Boxes around what else is drawn: the front's line, the spreads.

    Returns:
        The labels' boxes; None where no place is free.
    """
    dots = _rows([Box(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in places])
    grown = dots + np.array([-3, -3, 3, 3])
    lined = _rows(lines)
    taken, leaders = _rows([]), _rows([])
    out: list[Box | None] = [None] * len(texts)
    for i in sorted(range(len(texts)), key=lambda i: (not front[i], places[i][1], i)):
        width = text_size(texts[i], front[i])
        inside = [box for box in _candidates(width, *places[i]) if _inside(box)]
        hits = _overlaps(_rows(inside), np.concatenate([dots, taken]))
        free = [box for box, own in zip(inside, hits, strict=True) if not own.any()]
        if not free:
            continue
        others = np.concatenate([np.delete(grown, i, axis=0), taken])
        far = lined[~_overlaps(lined, dots[i : i + 1])[:, 0]]
        soft, under = np.concatenate([far, leaders]), np.concatenate([lined, leaders])
        costs = [_cost(box, places[i], others, soft, under) for box in free]
        out[i] = box = free[costs.index(min(costs))]
        taken = np.concatenate([taken, _rows([box])])
        leaders = np.concatenate([leaders, _rows(_along(places[i], leader(box, *places[i])))])
    return out


def _rows(boxes: Sequence[Box]) -> Boxes:
    """Return boxes as an array, a row for each: all comparisons of many are made at once."""
    rows = [(box.left, box.top, box.right, box.bottom) for box in boxes]
    return np.array(rows, np.float64).reshape(-1, 4)


def _overlaps(boxes: Boxes, others: Boxes) -> NDArray[np.bool_]:
    """Return which of the boxes (rows) share any area with which of the others (columns)."""
    a, b = boxes[:, None], others[None]
    return np.asarray(
        (a[..., :2] < b[..., 2:]).all(axis=-1) & (b[..., :2] < a[..., 2:]).all(axis=-1)
    )


def _cost(box: Box, at: Place, hard: Boxes, soft: Boxes, lines: Boxes) -> float:
    """Return how bad a place is, in the plot's units of distance.

    Args:
        box: The place.
        at: The label's point.
        hard: What a leader must not touch, or it seems to belong there: points, labels.
        soft: Lines that a leader should not cross.
        lines: Lines that the label itself should not lie on.
    """
    end = leader(box, *at)
    cost = math.dist(at, end) if end else 0.0
    if end:
        spots = _rows(_along(at, end))
        cost += 200 * bool(_overlaps(spots, hard).any())
        cost += 50 * int(_overlaps(spots, soft).any(axis=0).sum())
    return cost + 40 * int(_overlaps(_rows([box]), lines).sum())


def _along(start: Place, end: Place | None) -> list[Box]:
    """Return small boxes along a leader, without its two ends; none without a leader."""
    if end is None:
        return []
    steps = [k / 16 for k in range(2, 16)]
    spots = [
        (start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])) for t in steps
    ]
    return [Box(x - 1.5, y - 1.5, x + 1.5, y + 1.5) for x, y in spots]


def _inside(box: Box) -> bool:
    across = box.left >= LEFT + 2 and box.right <= WIDTH - 2
    return across and box.top >= 2 and box.bottom <= HEIGHT - BOTTOM - 2


def around(a: Place, b: Place) -> Box:
    """Return the box around a vertical or horizontal line."""
    (left, right), (top, bottom) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return Box(left - 1, top - 1, right + 1, bottom + 1)


def _candidates(width: float, x: float, y: float) -> Iterator[Box]:
    half = 0.62 * _SIZE
    for far in (RADIUS + 4, 22.0, 40.0, 62.0, 84.0):
        near = far == RADIUS + 4
        right, left = x + far, x - far - width
        for dy in (0.0,) if near else (0.0, -far, far):
            for start in (right, left):
                yield Box(start, y + dy - half, start + width, y + dy + half)
        for dy in (-far - half, far + half):
            for start in (x - width / 2, x + 2, x - width - 2):
                yield Box(start, y + dy - half, start + width, y + dy + half)


def leader(label: Box, x: float, y: float) -> Place | None:
    """Return the label's nearest point, if it is not beside its dot."""
    near = min(max(x, label.left), label.right), min(max(y, label.top), label.bottom)
    return near if math.dist(near, (x, y)) > 3 * RADIUS else None
