"""What tables show of a run's test scores: measures, and what each means.

A protocol tests one or several sets of images. Each gives measures, which stand in tables of their
own: accuracy on base classes and on new ones are never averaged into each other unseen.
"""

from __future__ import annotations

from typing import Protocol

MEANING = {
    "accuracy": "top-1 accuracy",
    "source": "top-1 accuracy on test images of the training domain",
    "clean": "top-1 accuracy on the test images as they are",
    "base": "top-1 accuracy on classes trained on",
    "new": "top-1 accuracy on classes not trained on, over their own names",
    "open": "top-1 accuracy on classes not trained on, over all names",
    "all": "top-1 accuracy on all test images, over all names",
    "H": "harmonic mean of the accuracies on base and new classes",
}


class Counted(Protocol):
    """A score: correct images of n."""

    @property
    def correct(self) -> int:
        """Images whose first guess is right."""

    @property
    def n(self) -> int:
        """Images."""


def fraction(score: Counted) -> float:
    """Return the accuracy, 0 to 1."""
    return score.correct / score.n


def harmonic_mean(base: float, new: float) -> float:
    """Return ``2 b n / (b + n)``, 0 when both are 0."""
    return 2 * base * new / (base + new) if base + new else 0.0
