"""What ± is, against Student's density integrated here."""

from __future__ import annotations

import math
import statistics

import pytest

from harness.report.tables.spread import MEANING, SPREADS, spread_of, t95


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 29, 30, 100])
def test_t_quantiles_leave_two_and_a_half_percent_on_each_side(degrees: int) -> None:
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2))
    scale /= math.sqrt(degrees * math.pi)
    steps = 20000
    width = t95(degrees) / steps
    density = [
        scale * (1 + (i * width) ** 2 / degrees) ** (-(degrees + 1) / 2) for i in range(steps + 1)
    ]
    simpson = density[0] + density[-1] + 4 * sum(density[1:-1:2]) + 2 * sum(density[2:-1:2])
    assert simpson * width / 3 == pytest.approx(0.475, abs=2e-6)


def test_each_kind_of_spread_by_its_definition() -> None:
    scores = [50.0, 52.0, 57.0]
    std = statistics.stdev(scores)
    assert spread_of(scores, "std") == std
    assert spread_of(scores, "sem") == pytest.approx(std / math.sqrt(3))
    assert spread_of(scores, "ci95") == pytest.approx(4.302653 * std / math.sqrt(3))
    assert spread_of([1.0], "ci95") is None
    assert set(MEANING) == set(SPREADS)
