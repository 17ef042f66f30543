"""Tests of paired differences: sign flips, signs, signed ranks, Student's t; Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from harness.report.stats.draws import SAME, Floats, rng
from harness.report.stats.mean import has_spread
from harness.report.stats.special import special

TestKind = Literal["permutation", "sign", "wilcoxon", "t"]
TEST_KINDS: tuple[TestKind, ...] = get_args(TestKind)
TEST_NAMES: dict[TestKind | Literal["mcnemar"], str] = {
    "t": "paired t test",
    "permutation": "sign-flip permutation test",
    "sign": "sign test",
    "wilcoxon": "Wilcoxon signed-rank test",
    "mcnemar": "McNemar's test over images",
}

EXACT_UP_TO = 16
"""Pairs up to which all sign patterns are enumerated (2**15, the others being mirror images)."""
FLIPS = 9_999
"""Random sign patterns beyond that; p is then a multiple of 1 / 10 000."""


@dataclass(frozen=True)
class PairedTest:
    """A two-sided test of paired differences."""

    kind: TestKind | Literal["mcnemar"]
    p: float
    smallest_p: float
    """The smallest p that this test can give with so many pairs, whatever the scores."""
    n: int
    """Pairs: of seeds, or of tasks and seeds; for McNemar's test images."""
    exact: bool
    """False where random sign patterns stand for all."""


def paired_test(
    differences: Floats, kind: TestKind, draws: int = FLIPS, seed: int = 0
) -> PairedTest:
    """Test whether paired differences [n] centre on zero; two-sided.

    ``permutation``: the share of sign patterns whose sum is at least as far from zero as the one
    seen (Fisher's randomisation test). Valid if, were there no difference, a pair's two scores
    could have been swapped; nothing else is assumed.
    ``sign``: how many differences are positive, against a fair coin; zeros are left out.
    ``wilcoxon``: sign patterns of the signed ranks, ties getting their mean rank; zeros are left
    out. Exact with ties too, since the patterns of these very ranks are counted.
    ``t``: Student's paired t. The only one that can reach 0.05 with fewer than six pairs, because
    it assumes near normal differences. Without spread it says nothing: p is 1.

    Args:
        differences: Independent of each other.
        kind: See above.
        draws: Random sign patterns when `differences` has more than EXACT_UP_TO.
        seed: Of those.
    """
    n = differences.size
    if n == 0 or (kind == "t" and not has_spread(differences)):
        return PairedTest(kind, 1.0, 1.0, n, exact=True)
    if kind == "t":
        t = float(differences.mean()) / (float(differences.std(ddof=1)) / math.sqrt(n))
        return PairedTest(kind, float(2 * special().stdtr(n - 1, -abs(t))), 0.0, n, exact=True)
    signs = np.where(abs(differences) > SAME, np.sign(differences), 0.0)
    smallest = 2.0 ** (1 - n)
    if kind == "sign":
        positive, negative = int((signs > 0).sum()), int((signs < 0).sum())
        tail = float(special().bdtr(min(positive, negative), positive + negative, 0.5))
        return PairedTest(kind, min(1.0, 2 * tail), smallest, n, exact=True)
    exact = n <= EXACT_UP_TO
    flipped = signs * _ranks(abs(differences), signs != 0) if kind == "wilcoxon" else differences
    p = float(sign_flip_p(flipped[None], draws, seed)[0])
    return PairedTest(kind, p, smallest if exact else max(smallest, 1 / (draws + 1)), n, exact)


def sign_flip_p(differences: Floats, draws: int = FLIPS, seed: int = 0) -> Floats:
    """Return the two-sided sign-flip p [k] of each row of differences [k, n].

    Up to EXACT_UP_TO pairs: over all 2**n patterns. Beyond: (1 + as extreme) / (1 + draws), the
    pattern seen being one of the draws, so that p is valid and never 0 (Phipson and Smyth,
    Permutation P-values Should Never Be Zero, Stat. Appl. Genet. Mol. Biol. 9(1), 2010).
    """
    n = differences.shape[1]
    exact = n <= EXACT_UP_TO
    signs = _all_signs(n) if exact else _random_signs(n, draws, seed)
    sums = abs(signs.astype(np.float64) @ differences.T)
    # sums that differ by rounding alone are tied
    seen = abs(differences.sum(axis=1)) - SAME * abs(differences).sum(axis=1)
    extreme = (sums >= seen).sum(axis=0)
    p: Floats = extreme / len(signs) if exact else (1 + extreme) / (1 + draws)
    return p


@lru_cache(maxsize=EXACT_UP_TO)
def _all_signs(n: int) -> NDArray[np.int8]:
    """Return [2**(n - 1), n]: a pattern and its mirror image are one, as p is two-sided."""
    bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1
    return (1 - 2 * bits).astype(np.int8)


@lru_cache(maxsize=4)
def _random_signs(n: int, draws: int, seed: int) -> NDArray[np.int8]:
    bits = rng("sign flips", n, draws, seed).integers(0, 2, (draws, n), dtype=np.int8)
    return 2 * bits - 1


def _ranks(sizes: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Return ranks from 1 among those counted, the mean rank for ties, 0 for the others."""
    ranks = np.zeros(sizes.shape)
    # rounded, so that differences of equally many images tie
    _, inverse, counts = np.unique(sizes[counted].round(9), return_inverse=True, return_counts=True)
    ranks[counted] = (counts.cumsum() - (counts - 1) / 2)[inverse]
    return ranks


def pairs_to_reach(kind: str, alpha: float) -> int:
    """Return with how many pairs a test can reach `alpha` at all."""
    return 2 if kind == "t" else max(1, math.ceil(1 - math.log2(alpha)))


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p, in the order given: the family-wise error is then at most alpha.

    Step down: the i-th smallest of m is multiplied by m - i + 1, and is no smaller than the one
    before (Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Stat. 6(2),
    1979). Valid however the tests depend on each other; here they share the reference.
    """
    adjusted, floor = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        floor = max(floor, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = floor
    return adjusted
