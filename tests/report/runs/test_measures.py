"""What predictions say beyond accuracy, against loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from harness.report.stats import (
    auroc,
    calibration_error,
    class_accuracies,
    fpr95,
    macro_accuracy,
    negative_log_likelihood,
    worst_domain,
)


def test_macro_accuracy_is_the_mean_over_classes_present() -> None:
    label = np.array([0, 0, 0, 0, 3, 3, 7], dtype=np.uint16)
    prediction = np.array([0, 0, 0, 1, 3, 7, 1], dtype=np.uint16)  # 1 has no image
    assert class_accuracies(label, prediction) == {0: 0.75, 3: 0.5, 7: 0.0}
    assert macro_accuracy(label, prediction) == pytest.approx((0.75 + 0.5 + 0) / 3)
    assert math.isnan(macro_accuracy(label[:0], prediction[:0]))


def test_worst_domain_is_the_first_of_the_lowest() -> None:
    assert worst_domain({"photo": 0.9, "sketch": 0.4, "art": 0.4}) == ("sketch", 0.4)


def looped_error(confidence: list[float], correct: list[bool], bins: int) -> float:
    total = 0.0
    for m in range(1, bins + 1):
        inside = [
            i
            for i, c in enumerate(confidence)
            if (m - 1) / bins < c <= m / bins or (m == 1 and c == 0)
        ]
        if inside:
            accuracy = sum(correct[i] for i in inside) / len(inside)
            sure = sum(confidence[i] for i in inside) / len(inside)
            total += len(inside) / len(confidence) * abs(accuracy - sure)
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_error_is_that_of_a_loop(bins: int, rng: np.random.Generator) -> None:
    confidence = rng.random(400).astype(np.float16)
    confidence[:12] = [0, 1, 0.5, 0.2, 0.4, 0.6, 0.8, 0.1, 0.3, 0.7, 0.9, 1]
    correct = rng.random(400) < confidence.astype(float) ** 2
    expected = looped_error([float(c) for c in confidence], [bool(c) for c in correct], bins)
    assert calibration_error(confidence, correct, bins) == pytest.approx(expected)


def test_a_confidence_on_an_edge_belongs_to_the_lower_bin() -> None:
    # in one bin the two errors would cancel out
    confidence, correct = np.array([0.5, 0.75]), np.array([True, False])
    assert calibration_error(confidence, correct, 2) == pytest.approx((0.5 + 0.75) / 2)
    assert calibration_error(confidence, correct, 1) == pytest.approx(abs(0.5 - 0.625))
    assert math.isnan(calibration_error(confidence[:0], correct[:0]))


def test_auroc_is_the_share_of_pairs_in_order(rng: np.random.Generator) -> None:
    known = rng.integers(2, 9, 40) / np.float16(10)  # half precision: many ties
    unknown = rng.integers(0, 7, 30) / np.float16(10)
    pairs = list(itertools.product(known, unknown))
    expected = sum(1.0 if k > u else 0.5 if k == u else 0.0 for k, u in pairs) / len(pairs)
    assert auroc(known, unknown) == pytest.approx(expected)
    assert auroc(unknown, known) == pytest.approx(1 - expected)


def test_auroc_at_its_ends() -> None:
    low, high = np.array([0.1, 0.2]), np.array([0.3, 0.4])
    assert (auroc(high, low), auroc(low, high), auroc(low, low)) == (1, 0, 0.5)
    assert math.isnan(auroc(low[:0], high))


@pytest.mark.parametrize("n", [1, 7, 19, 20, 21, 40, 100])
def test_fpr95_is_the_lowest_of_all_thresholds_that_keep_95_percent(
    rng: np.random.Generator, n: int
) -> None:
    known = rng.integers(2, 9, n) / np.float16(10)  # half precision: many ties
    unknown = rng.integers(0, 8, 30) / np.float16(10)
    rates = []
    for threshold in {*map(float, known), *map(float, unknown)}:
        if 100 * sum(float(k) >= threshold for k in known) >= 95 * n:
            rates.append(sum(float(u) >= threshold for u in unknown) / 30)
    assert fpr95(known, unknown) == pytest.approx(min(rates))


def test_fpr95_at_its_ends() -> None:
    low, high = np.array([0.1, 0.2]), np.array([0.3, 0.4])
    assert (fpr95(high, low), fpr95(low, high), fpr95(low, low)) == (0, 1, 1)
    assert math.isnan(fpr95(low[:0], high))
    assert math.isnan(fpr95(high, low[:0]))


def test_negative_log_likelihood_is_a_mean_in_double_precision(rng: np.random.Generator) -> None:
    probability = rng.random(1000) ** 9
    logs = np.log(probability).astype(np.float32)
    expected = -math.fsum(math.log(p) for p in probability) / 1000
    assert negative_log_likelihood(logs) == pytest.approx(expected, rel=1e-7)
    assert math.isnan(negative_log_likelihood(logs[:0]))
