"""Accuracy against cost, and which points no other beats on both."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.page.axes import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Tick, x_axis, y_axis
from harness.report.page.labels import Box, Place, around, leader, place_labels, shortened


@dataclass(frozen=True)
class Point:
    """A method: what it costs and how good it is."""

    label: str
    x: float
    y: float
    spread: float | None = None


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
    leader: Place | None
    """Where a line from the point to a distant label ends."""

    @property
    def text(self) -> str:
        """Return the label, shortened if it is very long."""
        return shortened(self.point.label)

    @property
    def anchor(self) -> str:
        """Return which end of the text is held: the one at the point, as fonts differ in width."""
        if self.label is None or self.label.left < self.x < self.label.right:
            return "middle"
        return "start" if self.label.left >= self.x else "end"

    @property
    def text_x(self) -> float:
        """Return where that end of the text is."""
        box = self.label or Box(self.x, self.y, self.x, self.y)
        ends = {"start": box.left, "end": box.right, "middle": (box.left + box.right) / 2}
        return ends[self.anchor]


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
    left: float = LEFT
    """Where the axes begin and end."""
    right: float = WIDTH - RIGHT
    bottom: float = HEIGHT - BOTTOM

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
    across = x_axis([p.x for p in points])
    ends = [(p.y - (p.spread or 0.0), p.y + (p.spread or 0.0)) for p in points]
    up = y_axis(min(low for low, _ in ends), max(high for _, high in ends))
    front = on_front(points)
    places = [(across.place(p.x), up.place(p.y)) for p in points]
    line = _corners([place for place, own in zip(places, front, strict=True) if own])
    lines = [around(a, b) for a, b in itertools.pairwise(line)]
    lines += [
        around((x, up.place(low)), (x, up.place(high)))
        for (x, _), (low, high) in zip(places, ends, strict=True)
    ]
    labels = place_labels([shortened(p.label) for p in points], places, front, lines)
    marks = [
        Mark(
            point=point,
            front=is_front,
            x=x,
            y=y,
            low=up.place(low),
            high=up.place(high),
            label=label,
            leader=leader(label, x, y) if label else None,
        )
        for point, (x, y), (low, high), is_front, label in zip(
            points, places, ends, front, labels, strict=True
        )
    ]
    unlabelled = [mark.point.label for mark in marks if mark.label is None]
    if unlabelled:
        note = f"{note} {len(unlabelled)} labels found no place: see the table.".strip()
    return Plot(
        title=title,
        axis=f"{axis}, logarithmic" if across.log else axis,
        marks=tuple(marks),
        line=" ".join(f"{x:.1f},{y:.1f}" for x, y in line),
        x_ticks=across.ticks,
        y_ticks=up.ticks,
        note=note,
    )


def _corners(front: Sequence[Place]) -> list[Place]:
    """Return steps: what accuracy can be had for at most so much."""
    corners: list[Place] = []
    for x, y in sorted(front, key=lambda place: (place[0], -place[1])):
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners:
        corners.append((WIDTH - RIGHT, corners[-1][1]))
    return corners
