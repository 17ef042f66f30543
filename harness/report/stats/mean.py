"""Intervals for a mean difference: Student's t over seeds, and the stratified bootstrap."""

from __future__ import annotations

import math

import numpy as np

from harness.report.stats.draws import (
    DRAWS,
    SAME,
    Floats,
    Interval,
    percentile_interval,
    resamples,
)
from harness.report.stats.special import special


def has_spread(values: Floats) -> bool:
    """Tell whether there are at least two values that are not all the same."""
    return values.size > 1 and float(np.ptp(values)) > SAME * max(1.0, float(abs(values).max()))


def t_interval(values: Floats, level: float = 0.95) -> Interval | None:
    """Return the mean of independent values [n] with Student's t interval.

    Of paired differences this is the paired t interval: mean ± t(n - 1) · s / √n, with s the
    sample standard deviation (ddof 1). It assumes differences that are near normal, which a mean
    over tasks and thousands of images is; it is exact for them however few they are.

    Returns:
        None for fewer than two values, or for values that are all the same: there is then no
        spread to judge the mean by, and an interval of width zero would say the opposite.
    """
    if not has_spread(values):
        return None
    n = values.size
    mean = float(values.mean())
    t = float(special().stdtrit(n - 1, (1 + level) / 2))
    half = t * float(values.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, level)


def bootstrap_interval(
    differences: Floats, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Interval | None:
    """Return the mean of differences [tasks, seeds] with its stratified bootstrap interval.

    Seeds are drawn with replacement within each task, independently of the other tasks; a pair is
    drawn as a whole. Percentile interval (Agarwal et al., Deep Reinforcement Learning at the Edge
    of the Statistical Precipice, NeurIPS 2021).

    With n seeds it is narrower than it should be by √((n - 1) / n) and by what a normal quantile
    falls short of Student's, and by more where a seed moves all tasks together, as a shared split
    does: simulated with four tasks and three seeds, a 95 % interval misses the truth one time in
    six without that, and one in three with it. With
    fewer than ten seeds trust `t_interval`.

    Returns:
        None for fewer than two seeds.
    """
    tasks, seeds = differences.shape
    if seeds < 2 or tasks == 0:
        return None
    weights = resamples("difference", draws, tasks, seeds, seed).reshape(draws, -1)
    resampled = weights @ differences.reshape(-1) / differences.size
    return percentile_interval(float(differences.mean()), resampled, level)
