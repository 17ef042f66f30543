"""Paired tests against enumeration with itertools, and against scipy.stats."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from harness.report.stats import TestKind, holm, paired_test, sign_flip_p
from harness.report.stats.paired import EXACT_UP_TO, pairs_to_reach


def enumerated(values: list[float]) -> float:
    """Return the two-sided sign-flip p, one pattern at a time."""
    seen = abs(math.fsum(values))
    patterns = list(itertools.product((1, -1), repeat=len(values)))
    sums = [abs(math.fsum(s * v for s, v in zip(p, values, strict=True))) for p in patterns]
    return sum(total >= seen - 1e-9 for total in sums) / len(patterns)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 11])
@pytest.mark.parametrize("ties", [False, True])
def test_sign_flips_are_all_enumerated(n: int, ties: bool, rng: np.random.Generator) -> None:
    for _ in range(5):
        values = rng.integers(-3, 4, n) / 10 if ties else rng.normal(0.5, 1, n)
        test = paired_test(values.astype(float), "permutation")
        assert test.p == pytest.approx(enumerated(list(values)))
        assert test.exact
        assert test.p >= test.smallest_p


def test_sign_flips_of_many_rows_are_those_of_each(rng: np.random.Generator) -> None:
    rows = rng.normal(0.3, 1, (20, 7))
    assert sign_flip_p(rows) == pytest.approx([enumerated(list(row)) for row in rows])


def test_random_patterns_come_near_the_exact_p_and_are_never_zero(rng: np.random.Generator) -> None:
    values = rng.normal(0.35, 1, EXACT_UP_TO + 1)
    test = paired_test(values, "permutation")
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=values.size)))
    exact = float((abs(signs @ values) >= abs(values.sum()) - 1e-9).mean())
    assert 0.01 < exact < 0.9
    assert test.p == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 9_999))
    assert not test.exact
    assert test.p == paired_test(values, "permutation").p
    assert test.p != paired_test(values, "permutation", seed=1).p
    clear = paired_test(np.full(40, 1.0), "permutation", draws=99)
    assert clear.p == clear.smallest_p == pytest.approx(1 / 100)


def test_sign_test_is_the_binomial_test_without_zeros(rng: np.random.Generator) -> None:
    for n in (4, 9, 30):
        values = rng.integers(-2, 4, n).astype(float)
        positive, nonzero = int((values > 0).sum()), int((values != 0).sum())
        expected = stats.binomtest(positive, nonzero).pvalue
        assert paired_test(values, "sign").p == pytest.approx(expected)
    assert paired_test(np.zeros(5), "sign").p == 1


def test_wilcoxon_is_scipys_without_ties_and_enumerated_with_them(rng: np.random.Generator) -> None:
    for n in (3, 6, 10):
        values = rng.normal(0.4, 1, n)
        expected = stats.wilcoxon(values, method="exact").pvalue
        assert paired_test(values, "wilcoxon").p == pytest.approx(expected)
    for _ in range(10):
        tied = rng.integers(-2, 4, 8) / 10
        nonzero = tied[tied != 0]
        ranks = stats.rankdata(abs(nonzero)) * np.sign(nonzero)
        assert paired_test(tied, "wilcoxon").p == pytest.approx(enumerated(list(ranks)))


def test_ties_up_to_rounding_are_ties() -> None:
    values = np.array([0.1 + 0.2, 0.3, -0.3])  # the first is 0.30000000000000004
    for kind in ("permutation", "wilcoxon"):
        assert paired_test(values, kind).p == 1  # every pattern has |sum| of one or three thirds


def test_t_is_scipys_paired_t(rng: np.random.Generator) -> None:
    first, second = rng.normal(1, 1, 6), rng.normal(0, 1, 6)
    expected = stats.ttest_rel(first, second).pvalue
    assert paired_test(first - second, "t").p == pytest.approx(expected)


@pytest.mark.parametrize("values", [[], [2.0], [2.0, 2.0, 2.0]])
def test_t_without_spread_says_nothing(values: list[float]) -> None:
    test = paired_test(np.array(values), "t")
    assert (test.p, test.smallest_p) == (1, 1)


def test_three_pairs_cannot_reach_five_percent() -> None:
    test = paired_test(np.array([5.0, 6.0, 7.0]), "permutation")
    assert test.p == test.smallest_p == 0.25
    assert pairs_to_reach("permutation", 0.05) == 6


def test_the_pattern_seen_counts_as_one_of_the_random_patterns() -> None:
    n, draws = EXACT_UP_TO + 4, 19
    one_differs = np.eye(1, n)  # whatever its sign, the sum is as far from zero
    assert sign_flip_p(one_differs, draws)[0] == 1
    all_agree = np.ones((1, n))  # no other pattern drawn is as far
    assert sign_flip_p(all_agree, draws)[0] == pytest.approx(1 / (1 + draws))
    three_agree = np.zeros((1, n))
    three_agree[0, :3] = 1  # a quarter of the patterns is as far
    count = sign_flip_p(three_agree, draws)[0] * (1 + draws)
    assert count == pytest.approx(round(count))
    assert 1 < count < draws


@pytest.mark.parametrize("kind", ["permutation", "sign", "wilcoxon", "t"])
@pytest.mark.parametrize("alpha", [0.5, 0.05, 0.0125, 2**-6])
def test_the_pairs_said_to_be_enough_are_the_fewest(kind: TestKind, alpha: float) -> None:
    n = pairs_to_reach(kind, alpha)
    values = np.arange(1.0, n + 1)
    assert paired_test(values, kind).smallest_p <= alpha
    assert paired_test(values[:-1], kind).smallest_p > alpha


def test_holm_is_the_step_down_procedure(rng: np.random.Generator) -> None:
    for m in (1, 2, 5, 9):
        p = [float(v) for v in rng.uniform(0, 0.1, m).round(2)]  # with ties
        adjusted = holm(p)
        for alpha in np.linspace(0.0051, 0.9951, 100):  # between the products' grid
            rejected = set()
            for step, i in enumerate(sorted(range(m), key=lambda i: p[i])):
                if p[i] > alpha / (m - step):
                    break
                rejected.add(i)
            assert rejected == {i for i in range(m) if adjusted[i] <= alpha}
    assert holm([]) == []
