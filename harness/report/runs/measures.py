"""What predictions say beyond accuracy: classes, worst domain, calibration, unknown classes.

All results are fractions, 0 to 1, but the log-likelihood, which is in nats.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 15


def class_accuracies(label: NDArray[Any], prediction: NDArray[Any]) -> dict[int, float]:
    """Return each present class's accuracy from labels [n] and predictions [n], by class index."""
    classes, inverse, counts = np.unique(label, return_inverse=True, return_counts=True)
    right = np.bincount(inverse, weights=label == prediction, minlength=len(classes))
    return {int(c): float(r / n) for c, r, n in zip(classes, right, counts, strict=True)}


def macro_accuracy(label: NDArray[Any], prediction: NDArray[Any]) -> float:
    """Return the mean of the accuracies of the classes present; NaN without images.

    A rare class counts as much as a common one. A class without images has no accuracy.
    """
    accuracies = list(class_accuracies(label, prediction).values())
    return float(np.mean(accuracies)) if accuracies else float("nan")


def worst_domain(accuracy: Mapping[str, float]) -> tuple[str, float]:
    """Return the domain of the lowest accuracy, the first of equals, and that accuracy.

    Within one seed. The mean over seeds of the worst is below the worst of the means.

    Raises:
        ValueError: Without domains.
    """
    name = min(accuracy, key=lambda domain: accuracy[domain])
    return name, accuracy[name]


def calibration_error(
    confidence: NDArray[Any], correct: NDArray[np.bool_], bins: int = BINS
) -> float:
    """Return the expected calibration error; NaN without images.

    ECE = Σ |B_m| / n · |accuracy(B_m) - confidence(B_m)| over equally wide bins
    ((m - 1) / M, m / M] (Guo et al., On Calibration of Modern Neural Networks, ICML 2017,
    arXiv 1706.04599). A confidence of 0 is in the first bin.

    Args:
        confidence: [n], of the predicted class. Stored in half precision: within 0.0003 of what
            the model said, so one that is on a bin's edge may change bins.
        correct: [n]
        bins: M
    """
    if not len(confidence):
        return float("nan")
    sure = confidence.astype(np.float64)
    place = np.searchsorted(np.arange(1, bins) / bins, sure, side="left")
    gaps = np.bincount(place, weights=correct - sure, minlength=bins)
    return float(abs(gaps).sum() / len(sure))


def fpr95(known: NDArray[Any], unknown: NDArray[Any]) -> float:
    """Return the share of images of unknown classes that pass for known, where 95 % of those do.

    Known classes are the positive ones, as in ODIN (Liang et al., ICLR 2018, arXiv 1706.02690) and
    MCM (Ming et al., NeurIPS 2022); OpenOOD's code has it the other way round, which is another
    number. The threshold is the highest score that at least 95 % of the known [n] reach; an unknown
    image [m] on it passes. Chance is 0.95; NaN if either is empty.
    """
    if not len(known) or not len(unknown):
        return float("nan")
    ranked = np.sort(known)[::-1]
    threshold = ranked[-(-95 * len(ranked) // 100) - 1]
    return float((unknown >= threshold).mean())


def negative_log_likelihood(log_probability: NDArray[Any]) -> float:
    """Return the mean of -ln p(label) in nats (cross-entropy); NaN without images.

    Args:
        log_probability: [n], of the labels by the softmax that the confidence is of.
    """
    return -float(log_probability.mean(dtype=np.float64)) if len(log_probability) else float("nan")


def auroc(known: NDArray[Any], unknown: NDArray[Any]) -> float:
    """Return the probability that an image of a known class has the higher score.

    The area under the ROC curve of telling known [n] from unknown [m] by a threshold on the score,
    as the rank statistic U / (n m); a tie counts one half. With the largest cosine for a score
    this is the usual baseline for open classes. 0.5 is chance; NaN if either is empty.
    """
    if not len(known) or not len(unknown):
        return float("nan")
    first: Floats = known.astype(np.float64)
    second: Floats = np.sort(unknown.astype(np.float64))
    below = np.searchsorted(second, first, side="left")
    up_to = np.searchsorted(second, first, side="right")
    return float((below + up_to).mean() / 2 / len(second))
