from __future__ import annotations

import numpy as np

from harness.maps.figures.classes import class_picture, shown_ticks
from tests.report.figures.pixels import size_of


def test_names_of_many_classes_are_thinned() -> None:
    assert shown_ticks(30) == list(range(30))
    assert shown_ticks(31) == list(range(0, 31, 2))
    assert len(shown_ticks(345)) <= 30


def test_long_names_get_their_room() -> None:
    cosine = np.eye(3) * 0.5 + 0.5
    short, long = (
        size_of(class_picture([f"{name}{i}" for i in range(3)], cosine, cosine, ("l", "r"), "c"))
        for name in ("a", "a much longer name ")
    )
    assert long[0] > short[0]
    assert long[1] > short[1]  # they stand below, upright


def test_one_value_everywhere_can_be_drawn() -> None:
    flat = np.full((2, 2), 0.5)
    assert class_picture(["a", "b"], flat, flat, ("l", "r"), "c", "pdf").startswith(b"%PDF")
