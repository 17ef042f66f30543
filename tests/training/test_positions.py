"""Class names by position, where two are equal."""

from __future__ import annotations

from harness.training.positions import positions

KNOWN = ("crane", "maillot", "crane", "dog")


def test_the_whole_list_gives_every_place_once() -> None:
    assert positions(KNOWN, KNOWN) == [0, 1, 2, 3]


def test_any_order_and_any_part() -> None:
    assert positions(("dog", "crane"), KNOWN) == [3, 0]
    assert positions(("crane", "dog", "crane"), KNOWN) == [0, 3, 2]


def test_a_name_that_is_not_there() -> None:
    assert positions(("dog", "cat"), KNOWN) is None
