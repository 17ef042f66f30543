"""Two runs over the same images: McNemar's test, and a bootstrap over images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.report.stats.draws import DRAWS, Interval, percentile_interval, rng
from harness.report.stats.special import special


@dataclass(frozen=True)
class ImagePair:
    """Which images of a test set each of two runs got right: one task, one seed."""

    task: str
    candidate: NDArray[np.bool_]
    """[n]: right or not."""
    reference: NDArray[np.bool_]
    """[n], of the same images in the same order."""
    cluster: NDArray[np.int64] | None = None
    """[n]: images of the same number stand or fall together; None if each is its own."""


@dataclass(frozen=True)
class McNemar:
    """The images on which two runs differ."""

    candidate_only: int
    """Only the candidate is right."""
    reference_only: int
    p: float
    """Two-sided and exact."""
    smallest_p: float
    """The smallest possible with as many images on which the two differ."""


def mcnemar(images: ImagePair) -> McNemar:
    """Test whether two runs are right equally often (McNemar, Psychometrika 12, 1947), exactly.

    Of the images that only one run gets right, each run should get about half: a two-sided
    binomial test. It is about these two trained runs on images like these; that another seed
    would come out the same it does not say. Images of one group make its p too small.
    """
    first = int((images.candidate & ~images.reference).sum())
    second = int((images.reference & ~images.candidate).sum())
    n = first + second
    p = min(1.0, 2 * float(special().bdtr(min(first, second), n, 0.5)))
    return McNemar(first, second, p, min(1.0, 2.0 ** (1 - n)))


def image_interval(
    pairs: Sequence[ImagePair], level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Interval | None:
    """Return the accuracy difference, candidate minus reference, with its interval over images.

    The runs of a task, one pair per seed, are pooled: difference of all right answers over all
    answers; tasks are averaged. Clusters are drawn with replacement within each task, and an image
    that is drawn comes with its answers of all seeds, because these are no independent images.
    The trained weights are taken as given.

    Args:
        pairs: Of any tasks and seeds.
        level: Coverage.
        draws: Bootstrap draws.
        seed: Of the draws.

    Returns:
        Fractions, -1 to 1. None without images.
    """
    by_task: dict[str, list[ImagePair]] = {}
    for pair in pairs:
        by_task.setdefault(pair.task, []).append(pair)
    found = _threads().map(lambda task: _resampled(task, by_task[task], draws, seed), list(by_task))
    tasks = [one for one in found if one is not None]
    if not tasks:
        return None
    means, resampled = zip(*tasks, strict=True)
    return percentile_interval(float(np.mean(means)), sum(resampled) / len(means), level)


@cache
def _threads() -> ThreadPoolExecutor:
    """Return threads for draws, which leave Python alone and are most of what a report computes."""
    return ThreadPoolExecutor(os.cpu_count())


def _resampled(
    task: str, pairs: Sequence[ImagePair], draws: int, seed: int
) -> tuple[float, NDArray[np.float64]] | None:
    """Return one task's difference, and the differences of the draws; None without images."""
    sums, sizes = _by_cluster(pairs)
    if not len(sums):
        return None
    # clusters of the same sum and size are alike, so only how many of each kind is drawn
    _, firsts, counts = np.unique(
        sums * (sizes.max() + 1) + sizes, return_index=True, return_counts=True
    )
    generator = rng("images", task, draws, seed)
    drawn = generator.multinomial(len(sums), counts / len(sums), size=draws)
    gained, answers = drawn @ sums[firsts], drawn @ sizes[firsts]
    return int(sums.sum()) / int(sizes.sum()), gained / answers


def _by_cluster(pairs: Sequence[ImagePair]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what the candidate gains in each cluster of one task, and how many answers that is."""
    gains = [pair.candidate.astype(np.int64) - pair.reference for pair in pairs]
    if all(pair.cluster is None for pair in pairs) and len({len(own) for own in gains}) == 1:
        return np.sum(gains, axis=0), np.full(len(gains[0]), len(gains))
    numbers = [
        np.arange(len(own)) if pair.cluster is None else pair.cluster
        for pair, own in zip(pairs, gains, strict=True)
    ]
    _, cluster = np.unique(np.concatenate(numbers), return_inverse=True)
    sums = np.bincount(cluster, np.concatenate(gains)).round().astype(np.int64)
    return sums, np.bincount(cluster)
