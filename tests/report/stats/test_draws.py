"""Named random draws: the same for the same purpose, whatever else is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from harness.report.stats.draws import percentile_interval, resamples, rng


def test_draws_are_named_by_what_they_are_for() -> None:
    first = rng("a", 1).normal(size=3)
    assert (first == rng("a", 1).normal(size=3)).all()
    assert (first != rng("a", 2).normal(size=3)).any()
    assert (first != rng("b", 1).normal(size=3)).any()


def test_every_stratum_is_resampled_to_its_size() -> None:
    weights = resamples("test", 200, 3, 5, 0)
    assert weights.shape == (200, 3, 5)
    assert (weights.sum(axis=2) == 5).all()
    assert weights.mean() == pytest.approx(1.0)
    assert weights.var() == pytest.approx(5 * 0.2 * 0.8, rel=0.1)  # of a binomial count
    with pytest.raises(ValueError, match="read-only"):
        weights[0, 0, 0] = 9


def test_an_interval_lies_between_the_percentiles() -> None:
    interval = percentile_interval(7.0, np.arange(101.0), 0.9)
    assert (interval.value, interval.level) == (7.0, 0.9)
    assert (interval.low, interval.high) == (pytest.approx(5), pytest.approx(95))
