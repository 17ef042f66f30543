"""Where the labels of a plot go: on no point and on no other label."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.report.page.axes import BOTTOM, HEIGHT, LEFT, WIDTH

RADIUS = 5.0
"""Of a point."""
_SIZE = 12.0
Place = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle in the plot's units."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether the two share any area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


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
    dots = [Box(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in places]
    taken: list[Box] = []
    leaders: list[Box] = []
    out: list[Box | None] = [None] * len(texts)
    for i in sorted(range(len(texts)), key=lambda i: (not front[i], places[i][1], i)):
        free = [
            box
            for box in _candidates(text_size(texts[i], front[i]), *places[i])
            if _inside(box) and not any(box.overlaps(other) for other in (*dots, *taken))
        ]
        if not free:
            continue
        others = [_grown(dot, 3) for k, dot in enumerate(dots) if k != i]
        far = [line for line in lines if not line.overlaps(dots[i])]
        costs = [
            _cost(box, places[i], [*others, *taken], [*far, *leaders], [*lines, *leaders])
            for box in free
        ]
        out[i] = box = free[costs.index(min(costs))]
        taken.append(box)
        leaders += _along(places[i], leader(box, *places[i]))
    return out


def _cost(
    box: Box, at: Place, hard: Sequence[Box], soft: Sequence[Box], lines: Sequence[Box]
) -> float:
    """Return how bad a place is, in the plot's units of distance.

    Args:
        box: The place.
        at: The label's point.
        hard: What a leader must not touch, or it seems to belong there: points, labels.
        soft: Lines that a leader should not cross.
        lines: Lines that the label itself should not lie on.
    """
    end = leader(box, *at)
    spots = _along(at, end)
    cost = math.dist(at, end) if end else 0.0
    if spots:  # most of what is drawn is nowhere near the leader
        hull = Box(
            min(spot.left for spot in spots),
            min(spot.top for spot in spots),
            max(spot.right for spot in spots),
            max(spot.bottom for spot in spots),
        )
        near = [other for other in hard if hull.overlaps(other)]
        cost += 200 * any(spot.overlaps(other) for spot in spots for other in near)
        crossed = [line for line in soft if hull.overlaps(line)]
        cost += 50 * sum(any(spot.overlaps(line) for spot in spots) for line in crossed)
    return cost + 40 * sum(box.overlaps(line) for line in lines)


def _along(start: Place, end: Place | None) -> list[Box]:
    """Return small boxes along a leader, without its two ends; none without a leader."""
    if end is None:
        return []
    steps = [k / 16 for k in range(2, 16)]
    spots = [
        (start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])) for t in steps
    ]
    return [Box(x - 1.5, y - 1.5, x + 1.5, y + 1.5) for x, y in spots]


def _grown(box: Box, by: float) -> Box:
    return Box(box.left - by, box.top - by, box.right + by, box.bottom + by)


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
