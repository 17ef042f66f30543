"""Ranks over data sets, against Demšar's worked example, SciPy, and sums written out here."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from harness.report.stats.ranks import (
    critical_difference,
    friedman,
    ranks_of,
    signed_rank_posterior,
    studentized_range,
)

DEMSAR = np.array([  # JMLR 7, 2006, table 6: AUC of four variants of C4.5 on 14 data sets
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.975],  # ranked 2 and 3 there, though both are printed as 0.975
    [0.957, 0.978, 0.946, 0.970],
])  # fmt: skip


def test_the_published_example() -> None:
    ranks = ranks_of(DEMSAR)
    assert ranks.mean(axis=0).round(3).tolist() == [3.143, 2.000, 2.893, 1.964]
    test = friedman(ranks)
    assert test.chi2 == pytest.approx(9.28, abs=0.005)
    assert test.f == pytest.approx(3.69, abs=0.005)
    assert test.p == pytest.approx(stats.f.sf(test.f, 3, 39))
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, 0.10) == pytest.approx(1.12, abs=0.005)


def test_ranks_and_friedman_agree_with_scipy() -> None:
    scores = np.random.default_rng(0).integers(0, 4, (9, 5)).astype(float)  # many ties
    expected = [stats.rankdata(-row) for row in scores]
    assert ranks_of(scores).tolist() == [row.tolist() for row in expected]
    untied = np.random.default_rng(1).random((9, 5))
    assert friedman(ranks_of(untied)).chi2 == pytest.approx(
        stats.friedmanchisquare(*untied.T).statistic
    )


def test_data_sets_that_all_rank_alike_leave_no_doubt() -> None:
    test = friedman(ranks_of(np.tile([3.0, 2.0, 1.0], (4, 1))))
    assert (test.f, test.p) == (math.inf, 0.0)
    same = friedman(ranks_of(np.ones((4, 3))))
    assert (same.f, same.p) == (0.0, 1.0)


@pytest.mark.parametrize(("k", "alpha"), [(2, 0.05), (5, 0.05), (10, 0.1), (40, 0.05)])
def test_the_range_of_normal_values_is_scipys(k: int, alpha: float) -> None:
    expected = stats.studentized_range.ppf(1 - alpha, k, np.inf)
    assert studentized_range(k, alpha) == pytest.approx(expected, abs=1e-4)


def slow_posterior(differences: list[float], rope: float, draws: int) -> list[float]:
    """The definition, draw by draw and pair by pair."""
    z = [*differences, 0.0]
    generator = np.random.default_rng(5)
    won = [0, 0, 0]
    for _ in range(draws):
        raw = [generator.gamma(shape) for shape in [1.0] * len(differences) + [0.6]]
        weights = [value / sum(raw) for value in raw]
        mass = [0.0, 0.0, 0.0]
        for (a, u), (b, v) in itertools.product(zip(z, weights, strict=True), repeat=2):
            middle = (a + b) / 2
            mass[0 if middle < -rope else 2 if middle > rope else 1] += u * v
        won[mass.index(max(mass))] += 1
    return [count / draws for count in won]


def test_the_posterior_is_that_of_the_definition() -> None:
    differences = [2.1, 1.5, 0.3, -0.4, 3.0, 0.9]
    found = signed_rank_posterior(np.array(differences), 1.0)
    expected = slow_posterior(differences, 1.0, 4000)
    assert [found.worse, found.same, found.better] == pytest.approx(expected, abs=0.03)
    assert found.worse + found.same + found.better == pytest.approx(1)
    assert found == signed_rank_posterior(np.array(differences), 1.0)  # seeded
    turned = signed_rank_posterior(-np.array(differences), 1.0)
    assert turned.worse == pytest.approx(found.better, abs=0.01)


def test_what_is_within_the_rope_is_the_same_and_what_is_far_beyond_is_not() -> None:
    assert signed_rank_posterior(np.full(10, 0.5)).same > 0.99
    assert signed_rank_posterior(np.full(10, 5.0)).better > 0.99
    assert signed_rank_posterior(np.full(10, -5.0)).worse > 0.99
