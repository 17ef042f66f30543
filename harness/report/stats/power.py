"""How many seeds it takes to resolve a difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from harness.report.stats.draws import SAME, Floats
from harness.report.stats.mean import has_spread
from harness.report.stats.special import special

MOST = 1000
"""More seeds than this nobody runs."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


@dataclass(frozen=True)
class SeedsNeeded:
    """A number of seeds, or why there is none."""

    n: int | None
    why_none: Literal["", "more", "zero", "no spread"] = ""
    """``more`` than `most`; the difference is ``zero``; ``no spread`` between seeds to go by."""
    most: int = MOST

    @property
    def text(self) -> str:
        """Return it as a table shows it."""
        if self.n is not None:
            return str(self.n)
        return {"more": f"more than {self.most}"}.get(self.why_none, "–")


def power_of_t(effect: float, n: int, alpha: float = 0.05) -> float:
    """Return the power of the two-sided paired t test with n pairs, to about 0.0001.

    Args:
        effect: Mean difference over its standard deviation, both of the population.
        n: At least 2.
        alpha: Level of the test.
    """
    critical, shift = float(special().stdtrit(n - 1, 1 - alpha / 2)), abs(effect) * math.sqrt(n)
    # The mean over all sample standard deviations of the power given one. SciPy's noncentral t
    # is NaN far in the tails, where the bisection below begins.
    std = _sample_stds(n)
    given = special().ndtr(shift - critical * std) + special().ndtr(-shift - critical * std)
    return float(given @ _WEIGHTS / 2)


@lru_cache(maxsize=256)
def _sample_stds(n: int) -> Floats:
    """Return quantiles of the standard deviation of n normal values, at the nodes."""
    stds: Floats = np.sqrt(2 * special().gammaincinv((n - 1) / 2, (_NODES + 1) / 2) / (n - 1))
    return stds


def std_factors(n: int, level: float = 0.95) -> tuple[float, float]:
    """Return between which multiples of a standard deviation from n normal values the true one is.

    Args:
        n: At least 2.
        level: Coverage of the chi-square interval.
    """
    low, high = special().chdtri(n - 1, (1 - level) / 2), special().chdtri(n - 1, (1 + level) / 2)
    return math.sqrt((n - 1) / low), math.sqrt((n - 1) / high)


def seeds_needed(
    differences: Floats, alpha: float = 0.05, power: float = 0.8, most: int = MOST
) -> SeedsNeeded:
    """Return the fewest seeds with which the paired t test finds a difference as large as this.

    For planning: it takes mean and standard deviation of the per-seed differences [n] for the
    truth. From few seeds the latter is rough: with three, its 95 % interval (chi-square) reaches
    from half of it to six times it. Not evidence about the difference itself; that is what the
    test's p is for.
    """
    if not has_spread(differences):
        return SeedsNeeded(None, "no spread", most)
    mean = float(differences.mean())
    if abs(mean) <= SAME:
        return SeedsNeeded(None, "zero", most)
    return seeds_for(mean / float(differences.std(ddof=1)), alpha, power, most)


def seeds_for(
    effect: float, alpha: float = 0.05, power: float = 0.8, most: int = MOST
) -> SeedsNeeded:
    """Return the fewest seeds with which the paired t test finds an effect.

    Args:
        effect: Mean difference over its standard deviation between seeds; not zero.
        alpha: Level of the test.
        power: With which it is found.
        most: Of seeds.
    """
    if power_of_t(effect, most, alpha) < power:
        return SeedsNeeded(None, "more", most)
    low, high = 1, most  # power grows with n: too few at `low`, enough at `high`
    while high - low > 1:
        middle = (low + high) // 2
        enough = power_of_t(effect, middle, alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return SeedsNeeded(high, most=most)
