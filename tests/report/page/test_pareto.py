"""The front against its definition, and a drawing in which nothing covers anything."""

from __future__ import annotations

import itertools
import random

import pytest

from harness.report.page.axes import BOTTOM, HEIGHT, WIDTH
from harness.report.page.labels import Box
from harness.report.page.pareto import Plot, Point, on_front, pareto_plot
from tests.report.page.overlap import overlap


def dominated(point: Point, points: list[Point]) -> bool:
    for other in points:
        as_good = other.x <= point.x and other.y >= point.y
        if as_good and (other.x, other.y) != (point.x, point.y):
            return True
    return False


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_no_other_point_beats(seed: int) -> None:
    rng = random.Random(seed)
    points = [Point(str(i), rng.randrange(6), rng.randrange(6)) for i in range(12)]
    assert on_front(points) == [not dominated(point, points) for point in points]


def drawn(seed: int, n: int) -> Plot:
    rng = random.Random(seed)
    points = [
        Point(
            f"method {i}" * rng.randrange(1, 4),
            10 ** rng.uniform(0, 5),
            rng.uniform(30, 60),
            rng.uniform(0, 2),
        )
        for i in range(n)
    ]
    return pareto_plot("title", "seconds", points)


@pytest.mark.parametrize("seed", range(10))
def test_labels_cover_no_label_and_no_point(seed: int) -> None:
    plot = drawn(seed, 5 + 4 * seed)
    boxes = [mark.label for mark in plot.marks if mark.label is not None]
    dots = [Box(m.x - 5, m.y - 5, m.x + 5, m.y + 5) for m in plot.marks]
    assert len(boxes) >= 5
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))
    assert not any(overlap(box, dot) for box in boxes for dot in dots)
    for box in boxes:
        assert box.left >= 0
        assert box.right <= WIDTH
        assert box.bottom <= HEIGHT - BOTTOM


@pytest.mark.parametrize("seed", range(3))
def test_places_follow_the_numbers(seed: int) -> None:
    marks = drawn(seed, 15).marks
    by_cost = sorted(marks, key=lambda mark: mark.point.x)
    assert [mark.x for mark in by_cost] == sorted(mark.x for mark in marks)
    by_score = sorted(marks, key=lambda mark: -mark.point.y)
    assert [mark.y for mark in by_score] == sorted(mark.y for mark in marks)
    for mark in marks:
        assert mark.high <= mark.y <= mark.low  # y grows downwards
        assert 0 <= mark.x <= WIDTH
        assert mark.high >= 0
        assert mark.low <= HEIGHT - BOTTOM


def test_zero_has_its_place_on_a_logarithmic_axis() -> None:
    costs = (0, 2_000, 900_000, 80_000_000)
    plot = pareto_plot(
        "p", "trained parameters", [Point(str(c), c, 40 + i) for i, c in enumerate(costs)]
    )
    assert plot.axis.endswith("logarithmic")
    assert plot.x_ticks[0].text == "0"
    assert [tick.text for tick in plot.x_ticks[1:]] == ["10 k", "100 k", "1 M", "10 M", "100 M"]
    x = [mark.x for mark in plot.marks]
    assert x[0] == plot.x_ticks[0].at < x[1] - 20
    assert plot.front == ("0", "2000", "900000", "80000000")


def test_ticks_say_what_they_stand_at() -> None:
    plot = pareto_plot("p", "s", [Point("a", 1.0, 40), Point("b", 1.1, 41)])
    a, b = plot.marks
    scale = (b.x - a.x) / 0.1
    for tick in plot.x_ticks:
        assert a.x + (float(tick.text) - 1.0) * scale == pytest.approx(tick.at)


def test_labels_without_a_place_are_said() -> None:
    plot = pareto_plot("p", "s", [Point(f"method number {i}", 1.0, 40.0) for i in range(60)])
    without = sum(mark.label is None for mark in plot.marks)
    assert without > 0
    assert plot.note == f"{without} labels found no place: see the table."


def test_labels_keep_clear_of_spreads_and_of_the_front_where_there_is_room() -> None:
    points = [Point("cheap", 2, 40.8, 0.3), Point("beside", 7, 41.1, 0.6), Point("dear", 35, 45, 2)]
    plot = pareto_plot("p", "s", points)
    corners = [tuple(map(float, pair.split(","))) for pair in plot.line.split()]
    for mark in plot.marks:
        assert mark.label is not None
        for other in plot.marks:
            assert not overlap(mark.label, Box(other.x - 1, other.high, other.x + 1, other.low))
        for (x, y), (x2, y2) in itertools.pairwise(corners):
            step = Box(min(x, x2) - 0.5, min(y, y2) - 0.5, max(x, x2) + 0.5, max(y, y2) + 0.5)
            assert not overlap(mark.label, step)
