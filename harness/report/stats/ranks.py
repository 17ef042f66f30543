"""Methods over many data sets: average ranks, critical differences, practical equivalence.

J. Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006.
A. Benavoli, G. Corani, J. Demšar, M. Zaffalon, Time for a Change: a Tutorial for Comparing Multiple
Classifiers Through Bayesian Analysis, JMLR 18(77), 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.report.stats.draws import Floats, rng
from harness.report.stats.special import special

ROPE = 1.0
"""Points within which two methods are practically the same."""
POSTERIOR_DRAWS = 50_000
"""A probability then wobbles by 0.2 points."""
_PRIOR = 0.6
"""Weight of the one made-up data set without a difference, as in the authors' code."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)


@dataclass(frozen=True)
class Friedman:
    """Whether methods' ranks differ at all."""

    chi2: float
    f: float
    """Iman and Davenport's; infinite if all data sets rank alike."""
    p: float
    """Of `f`, with k - 1 and (k - 1)(N - 1) degrees of freedom."""


@dataclass(frozen=True)
class Equivalence:
    """Posterior probabilities that sum to 1."""

    worse: float
    same: float
    """Practically: within the rope."""
    better: float


def ranks_of(scores: Floats) -> Floats:
    """Return ranks [N, k] of methods within each data set, 1 the highest score, ties averaged.

    Args:
        scores: [N, k]; equal to nine decimals is a tie.
    """
    rounded = scores.round(9)
    above = (rounded[:, None, :] > rounded[:, :, None]).sum(axis=2)
    tied = (rounded[:, None, :] == rounded[:, :, None]).sum(axis=2)
    ranks: Floats = above + (tied + 1) / 2
    return ranks


def friedman(ranks: Floats) -> Friedman:
    """Test whether average ranks differ, from ranks [N, k]; no correction for ties, as Demšar."""
    n, k = ranks.shape
    mean = ranks.mean(axis=0)
    chi2 = 12 * n / (k * (k + 1)) * float((mean**2).sum() - k * (k + 1) ** 2 / 4)
    rest = n * (k - 1) - chi2
    if rest <= 1e-9:
        return Friedman(chi2, math.inf, 0.0)
    f = (n - 1) * chi2 / rest
    return Friedman(chi2, f, float(special().fdtrc(k - 1, (k - 1) * (n - 1), max(f, 0.0))))


def critical_difference(k: int, n: int, alpha: float = 0.05) -> float:
    """Return by how much two of k average ranks over n data sets must differ (Nemenyi)."""
    return studentized_range(k, alpha) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n))


def studentized_range(k: int, alpha: float) -> float:
    """Return the upper `alpha` quantile of the range of k standard normal values."""
    # where the lowest value lies; beyond 10 nothing is left
    x = 10 * _NODES
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)

    def below(width: float) -> float:
        others = (special().ndtr(x + width) - special().ndtr(x)) ** (k - 1)
        return k * 10 * float(_WEIGHTS @ (density * others))

    low, high = 0.0, 20.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < 1 - alpha else (low, middle)
    return high


def signed_rank_posterior(
    differences: Floats, rope: float = ROPE, draws: int = POSTERIOR_DRAWS, seed: int = 0
) -> Equivalence:
    """Return how probable it is that a method is worse, practically the same, or better.

    The Bayesian signed-rank test: data sets get weights from a Dirichlet posterior; in each draw,
    that of the three wins to which most weight of pairs' mean differences goes.

    Args:
        differences: [N], one for each data set, in points.
        rope: Half the width of the region of practical equivalence.
        draws: Of the posterior.
        seed: Of the draws.
    """
    z = np.append(differences, 0.0)
    means = (z[:, None] + z) / 2
    shapes = np.append(np.ones(len(differences)), _PRIOR)
    weights = rng("signed ranks", len(z), draws, seed).dirichlet(shapes, draws)
    worse, better = (
        np.einsum("di,di->d", weights @ inside, weights)
        for inside in ((means < -rope).astype(np.float64), (means > rope).astype(np.float64))
    )
    won = np.stack([worse, 1 - worse - better, better]).argmax(axis=0)
    share = np.bincount(won, minlength=3) / draws
    return Equivalence(*map(float, share))
