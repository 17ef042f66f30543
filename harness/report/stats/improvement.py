"""Probability of improvement and interquartile mean, as defined by Agarwal et al.

Deep Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021,
arXiv 2108.13264, and its library rliable. Scores are [tasks, seeds] here, [runs, tasks] there.
"""

from __future__ import annotations

import numpy as np

from harness.report.stats.draws import (
    DRAWS,
    Floats,
    Interval,
    percentile_interval,
    resamples,
)


def probability_of_improvement(
    candidate: Floats,
    reference: Floats,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval | None:
    """Return P(candidate > reference), averaged over tasks, with its interval.

    Within a task every run of one method meets every run of the other (Mann-Whitney's U over the
    number of meetings; a tie counts one half), so this does not use the pairing. The interval
    resamples the seeds within each task, for each method by itself. It says how often a run is
    better, not by how much.

    Args:
        candidate: [tasks, seeds]
        reference: [tasks, seeds]; as many tasks, perhaps other seeds.
        level: Coverage of the interval.
        draws: Bootstrap draws.
        seed: Of the draws.

    Returns:
        None without runs. With one seed of either the interval is as wide as can be, 0 to 1,
        because one run has no spread.
    """
    (tasks, mine), theirs = candidate.shape, reference.shape[1]
    if tasks == 0 or mine == 0 or theirs == 0:
        return None
    gap = candidate[:, :, None] - reference[:, None, :]
    wins = (gap > 0) + 0.5 * (gap == 0)
    value = float(wins.mean())
    if mine < 2 or theirs < 2:
        return Interval(value, 0.0, 1.0, level)
    own = resamples("candidate", draws, tasks, mine, seed).transpose(1, 0, 2)
    other = resamples("reference", draws, tasks, theirs, seed).transpose(1, 0, 2)
    resampled = np.einsum("tri,tri->r", own @ wins, other) / wins.size
    return percentile_interval(value, resampled, level)


def interquartile_mean(scores: Floats) -> Floats:
    """Return the mean of the middle half of the last axis: [..., n] to [...].

    A quarter of the values, rounded down, is cut off at either end, as rliable does.
    """
    n = scores.shape[-1]
    cut = n // 4
    middle: Floats = np.sort(scores, axis=-1)[..., cut : n - cut].mean(axis=-1)
    return middle


def iqm(scores: Floats, level: float = 0.95, draws: int = DRAWS, seed: int = 0) -> Interval | None:
    """Return the interquartile mean over all runs [tasks, seeds] with its bootstrap interval.

    Of tasks of unlike difficulty it drops the easiest and the hardest: it is robust, but is no
    mean over tasks. Seeds are resampled within each task.

    Returns:
        None for fewer than two seeds.
    """
    tasks, seeds = scores.shape
    if seeds < 2 or tasks == 0:
        return None
    weights = resamples("iqm", draws, tasks, seeds, seed).astype(np.intp).reshape(-1)
    # within a task a run's count says how often it appears; the order does not matter
    repeated = np.repeat(np.tile(scores.reshape(-1), draws), weights)
    resampled = interquartile_mean(repeated.reshape(draws, -1))
    return percentile_interval(float(interquartile_mean(scores.reshape(-1))), resampled, level)
