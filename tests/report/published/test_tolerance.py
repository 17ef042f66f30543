from __future__ import annotations

import math
import statistics

import pytest

from harness.report.published.numbers import load_numbers
from harness.report.published.tolerance import MISSING_SPREAD, allowed_difference, standard_error


def test_the_standard_error_is_of_the_mean() -> None:
    assert standard_error([80, 81, 82]) == pytest.approx(1 / math.sqrt(3))
    assert standard_error([80]) == MISSING_SPREAD


def test_the_tolerance_is_the_stated_rule() -> None:
    assert allowed_difference([80, 81, 82], 0.4) == pytest.approx(2 * math.sqrt(1 / 3 + 0.16))
    assert allowed_difference([80], None) == pytest.approx(2 * math.sqrt(0.04 + 0.04))
    assert allowed_difference([80, 80, 80], None) == pytest.approx(0.4)
    assert allowed_difference([100, 100, 100], 0.0) == 0.1
    printed = [f.spread for f in load_numbers() if f.spread is not None]
    assert statistics.median(printed) == MISSING_SPREAD
