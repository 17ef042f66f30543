"""Intervals of a mean: Student's against scipy, the bootstrap against its own limit, by loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.report.stats import bootstrap_interval, t_interval


@pytest.mark.parametrize("n", [2, 3, 10, 40])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_t_interval_is_scipys(n: int, level: float, rng: np.random.Generator) -> None:
    values = rng.normal(2, 3, n)
    interval = t_interval(values, level)
    assert interval is not None
    low, high = stats.t.interval(level, n - 1, values.mean(), stats.sem(values))
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))
    assert (interval.value, interval.level) == (pytest.approx(values.mean()), level)


@pytest.mark.parametrize("values", [[], [1.0], [0.1 + 0.2, 0.3, 0.3]])
def test_no_interval_without_spread(values: list[float]) -> None:
    assert t_interval(np.array(values)) is None


def test_bootstrap_is_that_of_a_loop(rng: np.random.Generator) -> None:
    differences = rng.normal(1, 2, (3, 4))
    means = []
    for _ in range(4000):
        tasks = [row[rng.integers(0, 4, 4)].mean() for row in differences]
        means.append(np.mean(tasks))
    interval = bootstrap_interval(differences, draws=4000)
    assert interval is not None
    low, high = np.quantile(means, [0.025, 0.975])
    width = high - low
    assert interval.low == pytest.approx(low, abs=0.05 * width)
    assert interval.high == pytest.approx(high, abs=0.05 * width)
    assert interval == bootstrap_interval(differences, draws=4000)
    assert interval != bootstrap_interval(differences, draws=4000, seed=1)


def test_strata_are_tasks_so_what_differs_between_tasks_alone_is_no_uncertainty() -> None:
    easy_and_hard = np.array([[10.0, 10.0, 10.0], [-10.0, -10.0, -10.0]])
    interval = bootstrap_interval(easy_and_hard)
    assert interval is not None
    assert (interval.low, interval.high) == (0, 0)
    assert bootstrap_interval(easy_and_hard[:, :1]) is None
    assert bootstrap_interval(np.zeros((0, 3))) is None
