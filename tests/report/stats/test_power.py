"""Power against numerical integration over the sample's standard deviation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from harness.report.stats import power_of_t, seeds_needed


def integrated(effect: float, n: int, alpha: float) -> float:
    """P(|mean| > t · s / √n), the sample's s integrated out; the population's is 1."""
    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    shift = effect * math.sqrt(n)

    def given(s: float) -> float:
        beyond = stats.norm.sf(critical * s - shift) + stats.norm.cdf(-critical * s - shift)
        # s · √(n-1) is chi distributed
        return float(beyond * stats.chi.pdf(s * math.sqrt(n - 1), n - 1) * math.sqrt(n - 1))

    return float(integrate.quad(given, 0, 12)[0])


@pytest.mark.parametrize("effect", [0.0, 0.3, -1.5, 4.0])
@pytest.mark.parametrize(("n", "alpha"), [(2, 0.05), (3, 0.05), (9, 0.01), (50, 0.05)])
def test_power_is_that_of_integration(effect: float, n: int, alpha: float) -> None:
    assert power_of_t(effect, n, alpha) == pytest.approx(integrated(effect, n, alpha), abs=1e-4)


def with_effect(effect: float) -> np.ndarray:
    values = np.array([-1.0, 0.0, 1.0])  # sample standard deviation 1
    return values + effect


@pytest.mark.parametrize("effect", [0.09, 0.2, 0.5, -1.0, 3.0, 30.0])
def test_the_number_found_is_enough_and_one_fewer_is_not(effect: float) -> None:
    n = seeds_needed(with_effect(effect)).n
    assert n is not None
    assert integrated(effect, n, 0.05) >= 0.8
    assert n == 2 or integrated(effect, n - 1, 0.05) < 0.8


def test_a_stricter_level_or_more_power_takes_more_seeds() -> None:
    usual = seeds_needed(with_effect(1.0)).n
    assert usual is not None
    assert (seeds_needed(with_effect(1.0), alpha=0.01).n or 0) > usual
    assert (seeds_needed(with_effect(1.0), power=0.95).n or 0) > usual


def test_why_there_is_no_number() -> None:
    assert seeds_needed(with_effect(0.01), most=100).text == "more than 100"
    zero = seeds_needed(with_effect(0.0))
    assert (zero.n, zero.why_none, zero.text) == (None, "zero", "–")
    for values in ([1.0], [1.0, 1.0], []):
        assert seeds_needed(np.array(values)).why_none == "no spread"
