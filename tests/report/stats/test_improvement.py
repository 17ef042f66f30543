"""Agarwal et al.'s metrics against loops and against what rliable calls in scipy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from harness.report.stats import interquartile_mean, iqm, probability_of_improvement


def looped(candidate: np.ndarray, reference: np.ndarray) -> float:
    per_task = []
    for xs, ys in zip(candidate, reference, strict=True):
        wins = [1.0 if x > y else 0.5 if x == y else 0.0 for x, y in itertools.product(xs, ys)]
        per_task.append(sum(wins) / len(wins))
    return sum(per_task) / len(per_task)


def test_probability_of_improvement_is_that_of_loops_and_mann_whitney(
    rng: np.random.Generator,
) -> None:
    candidate = rng.integers(0, 6, (5, 4)).astype(float)  # with ties
    reference = rng.integers(0, 6, (5, 3)).astype(float)
    result = probability_of_improvement(candidate, reference)
    assert result is not None
    assert result.value == pytest.approx(looped(candidate, reference))
    u = [stats.mannwhitneyu(x, y).statistic for x, y in zip(candidate, reference, strict=True)]
    assert result.value == pytest.approx(np.mean(u) / (4 * 3))


@pytest.mark.parametrize("seeds", [4, 5])
def test_its_interval_resamples_both_methods_within_tasks(
    seeds: int, rng: np.random.Generator
) -> None:
    candidate = rng.normal(0, 1, (3, 4))
    # as many seeds, and rising together: drawn as pairs the interval would be narrower
    reference = np.sort(candidate - 0.1) if seeds == 4 else rng.normal(0, 1, (3, 5))
    candidate = np.sort(candidate)
    resampled = []
    for _ in range(3000):
        own = np.stack([row[rng.integers(0, 4, 4)] for row in candidate])
        other = np.stack([row[rng.integers(0, seeds, seeds)] for row in reference])
        resampled.append((own[:, :, None] > other[:, None, :]).mean())
    result = probability_of_improvement(candidate, reference, draws=3000)
    assert result is not None
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert (result.low, result.high) == (
        pytest.approx(low, abs=0.03),
        pytest.approx(high, abs=0.03),
    )


def test_equal_runs_improve_half_the_time_and_one_run_says_nothing() -> None:
    same = np.full((2, 3), 50.0)
    result = probability_of_improvement(same, same)
    assert result is not None
    assert (result.value, result.low, result.high) == (0.5, 0.5, 0.5)
    one = probability_of_improvement(same[:, :1], same)
    assert one is not None
    assert (one.low, one.high) == (0, 1)
    assert probability_of_improvement(same[:, :0], same) is None


@pytest.mark.parametrize("shape", [(1, 2), (1, 3), (2, 3), (4, 5), (3, 7)])
def test_iqm_is_scipys_quarter_trimmed_mean(
    shape: tuple[int, int], rng: np.random.Generator
) -> None:
    scores = rng.normal(50, 10, shape)
    result = iqm(scores)
    assert result is not None
    assert result.value == pytest.approx(stats.trim_mean(scores, 0.25, axis=None))


def test_iqm_interval_resamples_within_tasks(rng: np.random.Generator) -> None:
    scores = rng.normal(50, 5, (4, 5)) + 10 * np.arange(4)[:, None]
    resampled = []
    for _ in range(2000):
        drawn = np.stack([row[rng.integers(0, 5, 5)] for row in scores])
        resampled.append(stats.trim_mean(drawn, 0.25, axis=None))
    result = iqm(scores)
    assert result is not None
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert result.low == pytest.approx(low, abs=0.1 * (high - low))
    assert result.high == pytest.approx(high, abs=0.1 * (high - low))
    assert iqm(scores[:, :1]) is None


def test_iqm_ignores_the_outer_quarters() -> None:
    assert interquartile_mean(np.array([1e9, 2.0, 4.0, -1e9])) == 3.0
