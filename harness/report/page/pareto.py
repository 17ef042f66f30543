"""Accuracy against cost: which points no other beats on both, and where their labels go."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.report.page.cost import short

WIDTH, HEIGHT = 760.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 24.0, 16.0, 46.0
_SIZE, _RADIUS = 12.0, 5.0
_ZERO = 0.06
"""Share of a logarithmic axis that is set apart for zero."""


@dataclass(frozen=True)
class Point:
    """A method: what it costs and how good it is."""

    label: str
    x: float
    y: float
    spread: float | None = None


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


@dataclass(frozen=True)
class Mark:
    """A point as it is drawn."""

    point: Point
    front: bool
    """No other point is as cheap and as good, and better in one of the two."""
    x: float
    y: float
    low: float
    """Ends of the spread's bar; both `y` without a spread."""
    high: float
    label: Box | None
    """None where no place was free."""
    leader: tuple[float, float] | None
    """Where a line from the point to a distant label ends."""

    @property
    def text(self) -> str:
        """Return the label, shortened if it is very long."""
        return shortened(self.point.label)


@dataclass(frozen=True)
class Tick:
    """A place on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Plot:
    """A drawing of accuracy against one kind of cost."""

    title: str
    axis: str
    """The horizontal axis, with its unit and scale."""
    marks: tuple[Mark, ...]
    line: str
    """The front as the points of a polyline."""
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    note: str
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def front(self) -> tuple[str, ...]:
        """Return the labels of the front, cheapest first."""
        marks = sorted((m for m in self.marks if m.front), key=lambda m: (m.point.x, m.point.y))
        return tuple(mark.point.label for mark in marks)


def on_front(points: Sequence[Point]) -> list[bool]:
    """Tell of each point that no other is at least as cheap and as good, and better in one."""
    return [
        not any(
            other.x <= point.x and other.y >= point.y and (other.x < point.x or other.y > point.y)
            for other in points
        )
        for point in points
    ]


def pareto_plot(title: str, axis: str, points: Sequence[Point], note: str = "") -> Plot:
    """Return the plot of some points, of which there must be at least one."""
    x_axis, y_axis = _x_axis([p.x for p in points]), _y_axis(points)
    front = on_front(points)
    places = [(x_axis.place(p.x), y_axis.place(p.y)) for p in points]
    labels = _labels(points, places, front)
    marks = []
    for point, (x, y), is_front, label in zip(points, places, front, labels, strict=True):
        spread = point.spread or 0.0
        low, high = y_axis.place(point.y - spread), y_axis.place(point.y + spread)
        leader = _leader(label, x, y) if label else None
        marks.append(Mark(point, is_front, x, y, low, high, label, leader))
    unlabelled = [mark.point.label for mark in marks if mark.label is None]
    if unlabelled:
        note = f"{note} {len(unlabelled)} labels found no place: see the table.".strip()
    return Plot(
        title=title,
        axis=f"{axis}, logarithmic" if x_axis.log else axis,
        marks=tuple(marks),
        line=_front_line(marks),
        x_ticks=x_axis.ticks,
        y_ticks=y_axis.ticks,
        note=note,
    )


def _front_line(marks: Sequence[Mark]) -> str:
    corners = _corners([(mark.x, mark.y) for mark in marks if mark.front])
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def _corners(front: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return steps: what accuracy can be had for at most so much."""
    corners: list[tuple[float, float]] = []
    for x, y in sorted(front, key=lambda place: (place[0], -place[1])):
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners:
        corners.append((WIDTH - RIGHT, corners[-1][1]))
    return corners


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float
    ticks: tuple[Tick, ...] = ()
    log: bool = False
    zero: float | None = None
    """Of a logarithmic axis: where zero stands."""

    def place(self, value: float) -> float:
        if self.zero is not None and value <= 0:
            return self.zero
        value, low, high = (
            (math.log10(v) for v in (value, self.low, self.high))
            if self.log
            else (value, self.low, self.high)
        )
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def _x_axis(values: Sequence[float]) -> _Axis:
    start, end = LEFT + 14, WIDTH - RIGHT - 14
    positive = [value for value in values if value > 0]
    if not positive or max(positive) < 20 * min(positive):
        low, high = min(values), max(values)
        room = (high - low) or abs(high) or 1.0
        low, high = max(0.0, low - 0.08 * room), high + 0.08 * room
        axis = _Axis(low, high, start, end)
        ticks = tuple(Tick(axis.place(v), _tick(v)) for v in _round_numbers(low, high, 7))
        return _Axis(low, high, start, end, ticks)
    has_zero = len(positive) < len(values)
    begin = start + _ZERO * (end - start) if has_zero else start
    low, high = min(positive) / 1.4, max(positive) * 1.4
    axis = _Axis(low, high, begin, end, log=True, zero=start if has_zero else None)
    powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    step = max(1, math.ceil(len(powers) / 8))
    ticks = tuple(Tick(axis.place(10.0**k), short(10.0**k)) for k in powers[::step])
    if has_zero:
        ticks = (Tick(start, "0"), *(tick for tick in ticks if tick.at > start + 24))
    return _Axis(low, high, begin, end, ticks, True, axis.zero)


def _y_axis(points: Sequence[Point]) -> _Axis:
    low = min(p.y - (p.spread or 0.0) for p in points)
    high = max(p.y + (p.spread or 0.0) for p in points)
    room = max(high - low, 1.0)
    low, high = low - 0.1 * room, high + 0.12 * room
    start, end = HEIGHT - BOTTOM, TOP
    axis = _Axis(low, high, start, end)
    ticks = tuple(Tick(axis.place(v), f"{v:g}") for v in _round_numbers(low, high, 6))
    return _Axis(low, high, start, end, ticks)


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.10g}") for k in range(first, last + 1)]


def _tick(value: float) -> str:
    return f"{value:.6g}" if value < 1e4 else short(value)


def shortened(text: str, most: int = 34) -> str:
    """Return `text` in at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def text_size(text: str) -> float:
    """Return about how wide a label is; rather too wide, whatever the reader's font."""
    ems = sum(
        1.05 if unicodedata.east_asian_width(c) in "WF" else 0.36 if c in "iljtf.,:;'|![]()I "
        else 0.92 if c in "mwMW@%" else 0.7 if c.isupper() else 0.6
        for c in text
    )  # fmt: skip
    return _SIZE * ems


def _labels(
    points: Sequence[Point], places: Sequence[tuple[float, float]], front: Sequence[bool]
) -> list[Box | None]:
    """Place labels one after the other, the front's first, on no point and no other label.

    A place that is also clear of the front's line, and whose leader passes no other point, is
    taken before one that is not.
    """
    dots = [Box(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in places]
    corners = _corners([place for place, own in zip(places, front, strict=True) if own])
    steps = [_around(a, b) for a, b in itertools.pairwise(corners)]
    taken: list[Box] = []
    out: list[Box | None] = [None] * len(points)
    for i in sorted(range(len(points)), key=lambda i: (not front[i], -points[i].y, i)):
        others = [place for k, place in enumerate(places) if k != i]
        free = [
            box
            for box in _candidates(text_size(shortened(points[i].label)), *places[i])
            if _inside(box) and not any(box.overlaps(other) for other in (*dots, *taken))
        ]
        clear = (
            box
            for box in free
            if not any(box.overlaps(step) for step in steps)
            and not _passes(_leader(box, *places[i]), places[i], others)
        )
        out[i] = box = next(clear, free[0] if free else None)
        if box is not None:
            taken.append(box)
    return out


def _inside(box: Box) -> bool:
    across = box.left >= LEFT + 2 and box.right <= WIDTH - 2
    return across and box.top >= 2 and box.bottom <= HEIGHT - BOTTOM - 2


def _around(a: tuple[float, float], b: tuple[float, float]) -> Box:
    (left, right), (top, bottom) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return Box(left - 1, top - 1, right + 1, bottom + 1)


def _passes(
    end: tuple[float, float] | None,
    start: tuple[float, float],
    others: Sequence[tuple[float, float]],
) -> bool:
    """Tell whether the line from a point to its label comes near another point."""
    if end is None:
        return False
    along = [(start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1]))
             for t in (0.2, 0.4, 0.6, 0.8, 1.0)]  # fmt: skip
    return any(math.dist(spot, other) < 1.6 * _RADIUS for spot in along for other in others)


def _candidates(width: float, x: float, y: float) -> Iterator[Box]:
    half = 0.62 * _SIZE
    for far in (_RADIUS + 4, 22.0, 40.0, 62.0):
        near = far == _RADIUS + 4
        right, left = x + far, x - far - width
        for dy in (0.0,) if near else (0.0, -far, far):
            for start in (right, left):
                yield Box(start, y + dy - half, start + width, y + dy + half)
        for dy in (-far - half, far + half):
            for start in (x - width / 2, x + 2, x - width - 2):
                yield Box(start, y + dy - half, start + width, y + dy + half)


def _leader(label: Box, x: float, y: float) -> tuple[float, float] | None:
    """Return the label's nearest point, if it is not beside its dot."""
    near = min(max(x, label.left), label.right), min(max(y, label.top), label.bottom)
    return near if math.dist(near, (x, y)) > 3 * _RADIUS else None
