"""Labels on no point and on no other label."""

from __future__ import annotations

import itertools

from harness.report.page.labels import RADIUS, Box, leader, place_labels, shortened, text_size
from tests.report.page.overlap import overlap


def test_labels_of_a_crowd_do_not_cover_each_other_or_a_point() -> None:
    places = [(200.0 + 9 * k, 200.0 + 7 * (k % 3)) for k in range(8)]
    boxes = place_labels([f"method {k}" for k in range(8)], places, [k < 3 for k in range(8)], [])
    placed = [box for box in boxes if box is not None]
    assert len(placed) >= 6
    assert not any(overlap(a, b) for a, b in itertools.combinations(placed, 2))
    dots = [Box(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in places]
    assert not any(overlap(box, dot) for box in placed for dot in dots)


def test_a_distant_label_is_led_to_its_point() -> None:
    assert leader(Box(10, 10, 50, 20), 5, 15) is None
    assert leader(Box(100, 10, 150, 20), 5, 15) == (100, 15)


def test_texts_have_a_width_and_an_end() -> None:
    assert text_size("WWW", False) > text_size("lll", False)
    assert text_size("abc", True) > text_size("abc", False)
    assert shortened("x" * 40) == "x" * 33 + "…"
    assert shortened("short") == "short"
