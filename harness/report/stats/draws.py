"""Shared by all statistics here: named random draws, intervals, and their types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.seeding import derive

Floats = NDArray[np.float64]

DRAWS = 2000
"""Bootstrap draws: the ends of a 95 % interval then wobble by 1.5 % of its width."""
SAME = 1e-9
"""Scores closer than this are equal: what is left is rounding, far below one image's worth."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval, all in the unit of the scores."""

    value: float
    low: float
    high: float
    level: float
    """Coverage, e.g. 0.95."""


def rng(*names: object) -> np.random.Generator:
    """Return NumPy's generator seeded by what it is for (see `harness.seeding.derive`)."""
    return np.random.default_rng(derive(*names))


@lru_cache(maxsize=8)
def resamples(purpose: str, draws: int, strata: int, size: int, seed: int) -> Floats:
    """Return how often each run is drawn: [draws, strata, size], every stratum summing to `size`.

    Resampling with replacement within each stratum, as counts: a resampled mean is then a
    product. Named by purpose, shape and seed, so that the result of a comparison does not depend
    on what else is compared. Read-only.
    """
    generator = rng(purpose, draws, strata, size, seed)
    counts = generator.multinomial(size, [1 / size] * size, size=(draws, strata))
    weights = counts.astype(np.float64)
    weights.setflags(write=False)
    return weights


def percentile_interval(value: float, resampled: Floats, level: float) -> Interval:
    """Return the interval between the percentiles of the resampled statistic [draws]."""
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), level)
