"""Axes: where numbers stand, which of them are written, and zero on a logarithmic axis."""

from __future__ import annotations

import pytest

from harness.report.page.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, x_axis, y_axis


def test_scores_rise_from_the_bottom_with_room_above_and_below() -> None:
    axis = y_axis(40.0, 60.0)
    assert axis.place(axis.low) == HEIGHT - BOTTOM
    assert axis.place(axis.high) == TOP
    assert axis.low < 40 < 60 < axis.high
    assert [tick.text for tick in axis.ticks] == ["40", "45", "50", "55", "60"]
    assert axis.place(50.0) == pytest.approx(axis.ticks[2].at)


def test_costs_within_twenty_times_are_linear_and_never_below_zero() -> None:
    axis = x_axis([1.0, 19.0])
    assert not axis.log
    assert axis.low == 0.0
    assert LEFT < axis.place(1.0) < axis.place(19.0) < WIDTH - RIGHT


def test_costs_further_apart_are_logarithmic_with_zero_set_apart() -> None:
    axis = x_axis([0.0, 10.0, 10_000.0])
    assert axis.log
    assert axis.zero is not None
    assert axis.place(0.0) == axis.zero < axis.place(10.0)
    steps = [axis.place(10.0**k) for k in (1, 2, 3, 4)]
    assert steps[1] - steps[0] == pytest.approx(steps[3] - steps[2])
    assert axis.ticks[0].text == "0"
    assert [tick.text for tick in axis.ticks[1:]] == ["10", "100", "1,000", "10 k"]


def test_one_value_has_a_place_too() -> None:
    assert LEFT < x_axis([0.0]).place(0.0) < WIDTH
    assert x_axis([5.0]).low < 5 < x_axis([5.0]).high
