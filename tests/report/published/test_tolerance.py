from __future__ import annotations

import math
import statistics

import pytest

from harness.report.published.numbers import load_numbers
from harness.report.published.tolerance import (
    MISSING_SPREAD,
    allowed_difference,
    published_error,
    standard_error,
)
from tests.report.published.stores import number


def test_the_standard_error_is_of_the_mean() -> None:
    assert standard_error([80, 81, 82]) == pytest.approx(1 / math.sqrt(3))
    assert standard_error([80]) == MISSING_SPREAD


def test_the_tolerance_is_the_stated_rule() -> None:
    assert allowed_difference([80, 81, 82], 0.4) == pytest.approx(2 * math.sqrt(1 / 3 + 0.16))
    assert allowed_difference([80], 0.2) == pytest.approx(2 * math.sqrt(0.04 + 0.04))
    assert allowed_difference([100, 100, 100], 0.0) == 0.1
    printed = [f.spread for f in load_numbers() if f.spread is not None]
    assert statistics.median(printed) == MISSING_SPREAD


@pytest.mark.parametrize(
    ("spread", "kind", "seeds", "error"),
    [
        (None, "", None, MISSING_SPREAD),
        (0.3, "unstated", None, 0.3),
        (0.3, "unstated", 3, 0.3),
        (0.3, "std", 9, 0.1),
        (0.3, "std", None, 0.3),
        (0.3, "sem", 3, 0.3),
        (0.196, "ci95", 3, 0.1),
    ],
)
def test_what_is_behind_a_published_plus_minus(
    spread: float | None, kind: str, seeds: int | None, error: float
) -> None:
    printed = number(spread=spread, spread_kind=kind, n_seeds=seeds)
    assert published_error(printed) == pytest.approx(error)


def test_dplclips_spread_is_a_standard_deviation_over_three_seeds() -> None:
    own = [n for n in load_numbers() if "DPLCLIP" in n.source and n.spread is not None]
    assert {(n.spread_kind, n.n_seeds) for n in own} == {("std", 3)}
