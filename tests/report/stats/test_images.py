"""Two runs over the same images: by hand, and by a bootstrap that draws one image at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.report.stats import ImagePair, image_interval, mcnemar


def images(task: str, candidate: np.ndarray, reference: np.ndarray) -> ImagePair:
    return ImagePair(task, candidate, reference, np.arange(candidate.size))


def test_mcnemar_by_hand() -> None:
    label = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    # right:   C     R     both  C     neither C    C     C
    candidate = np.array([0, 0, 2, 0, 0, 2, 0, 1])
    reference = np.array([1, 1, 2, 2, 2, 1, 1, 0])
    test = mcnemar(images("photo", candidate == label, reference == label))
    assert (test.candidate_only, test.reference_only) == (5, 1)
    # of 6 coins: 2 · (C(6,0) + C(6,1)) / 2**6
    assert test.p == pytest.approx(2 * (1 + 6) / 64)
    assert test.smallest_p == pytest.approx(2 / 64)


def test_mcnemar_is_the_binomial_test_of_the_images_that_differ(rng: np.random.Generator) -> None:
    candidate, reference = rng.random(500) < 0.7, rng.random(500) < 0.63
    test = mcnemar(images("a", candidate, reference))
    n = test.candidate_only + test.reference_only
    assert test.p == pytest.approx(stats.binomtest(test.candidate_only, n).pvalue)
    same = mcnemar(images("a", candidate, candidate))
    assert (same.p, same.smallest_p) == (1, 1)


def looped(pairs: list[ImagePair], draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw clusters with replacement within each task, one after the other."""
    out = []
    for _ in range(draws):
        per_task = []
        for task in dict.fromkeys(pair.task for pair in pairs):
            gains: dict[int, list[int]] = {}
            for pair in (p for p in pairs if p.task == task):
                for c, mine, theirs in zip(
                    pair.cluster, pair.candidate, pair.reference, strict=True
                ):
                    gains.setdefault(int(c), []).append(int(mine) - int(theirs))
            clusters = list(gains.values())
            drawn = rng.integers(0, len(clusters), len(clusters))
            flat = [gain for i in drawn for gain in clusters[i]]
            per_task.append(sum(flat) / len(flat))
        out.append(sum(per_task) / len(per_task))
    return np.array(out)


@pytest.mark.parametrize("grouped", [False, True])
def test_the_interval_is_that_of_drawing_images_one_by_one(
    grouped: bool, rng: np.random.Generator
) -> None:
    pairs = []
    for task, n in (("a", 40), ("b", 25)):
        hard = rng.random(n)  # an image is hard for all seeds
        cluster = rng.integers(0, 9, n) if grouped else np.arange(n)
        for _ in range(3):
            first, second = rng.random(n) > hard * 0.8, rng.random(n) > hard
            pairs.append(ImagePair(task, first, second, cluster))
    result = image_interval(pairs, draws=4000)
    assert result is not None
    expected = looped(pairs, 1500, rng)
    per_run = [pair.candidate.mean() - pair.reference.mean() for pair in pairs]
    assert result.value == pytest.approx((np.mean(per_run[:3]) + np.mean(per_run[3:])) / 2)
    low, high = np.quantile(expected, [0.025, 0.975])
    assert result.low == pytest.approx(low, abs=0.1 * (high - low))
    assert result.high == pytest.approx(high, abs=0.1 * (high - low))
    assert result == image_interval(pairs, draws=4000)


def test_more_seeds_over_the_same_images_are_not_more_images(rng: np.random.Generator) -> None:
    candidate, reference = rng.random(200) < 0.7, rng.random(200) < 0.6
    one = image_interval([images("a", candidate, reference)])
    many = image_interval([images("a", candidate, reference)] * 10)
    assert one is not None
    assert many is not None
    assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.1)
    gains = candidate.astype(int) - reference.astype(int)
    half = 1.96 * gains.std() / math.sqrt(200)
    assert (one.high - one.low) / 2 == pytest.approx(half, rel=0.1)


def test_no_images_no_interval() -> None:
    assert image_interval([]) is None
    assert image_interval([images("a", np.zeros(0, bool), np.zeros(0, bool))]) is None
