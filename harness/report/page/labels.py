"""Where the labels of a plot go: on no point and on no other label."""

from __future__ import annotations

import itertools
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
        1.05 if unicodedata.east_asian_width(c) in "WF" else 0.36 if c in "iljtf.,:;'|![]()I "
        else 0.92 if c in "mwMW@%" else 0.7 if c.isupper() else 0.6
        for c in text
    )  # fmt: skip
    return _SIZE * ems * (1.12 if bold else 1.0)


def place_labels(
    texts: Sequence[str], places: Sequence[Place], front: Sequence[bool], line: Sequence[Place]
) -> list[Box | None]:
    """Place labels one after the other, the front's first, on no point and no other label.

    A place that is also clear of the front's line, and whose leader passes no other point or
    label, is taken before one that is not.

    Args:
        texts: The labels.
        places: Their points.
        front: Which of the points are on the front; their labels are bold.
        line: The front's corners.

    Returns:
        The labels' boxes; None where no place is free.
    """
    dots = [Box(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in places]
    steps = [_around(a, b) for a, b in itertools.pairwise(line)]
    taken: list[Box] = []
    out: list[Box | None] = [None] * len(texts)
    for i in sorted(range(len(texts)), key=lambda i: (not front[i], places[i][1], i)):
        others = [place for k, place in enumerate(places) if k != i]
        free = [
            box
            for box in _candidates(text_size(texts[i], front[i]), *places[i])
            if _inside(box) and not any(box.overlaps(other) for other in (*dots, *taken))
        ]
        clear = (
            box
            for box in free
            if not any(box.overlaps(step) for step in steps)
            and not _passes(leader(box, *places[i]), places[i], others, taken)
        )
        out[i] = box = next(clear, free[0] if free else None)
        if box is not None:
            taken.append(box)
    return out


def _inside(box: Box) -> bool:
    across = box.left >= LEFT + 2 and box.right <= WIDTH - 2
    return across and box.top >= 2 and box.bottom <= HEIGHT - BOTTOM - 2


def _around(a: Place, b: Place) -> Box:
    (left, right), (top, bottom) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return Box(left - 1, top - 1, right + 1, bottom + 1)


def _passes(
    end: Place | None,
    start: Place,
    others: Sequence[Place],
    taken: Sequence[Box],
) -> bool:
    """Tell whether the line from a point to its label comes near another point or label."""
    if end is None:
        return False
    along = [(start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1]))
             for t in (k / 16 for k in range(2, 17))]  # fmt: skip
    near = any(math.dist(spot, other) < 1.6 * RADIUS for spot in along for other in others)
    dots = [Box(x - 2, y - 2, x + 2, y + 2) for x, y in along]
    return near or any(dot.overlaps(box) for dot in dots for box in taken)


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
