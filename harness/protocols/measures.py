"""From a run's test scores to what tables show of it; known from the spec before the run is done.

A protocol tests one or several sets of images. Each gives measures, which stand in tables of their
own: accuracy on base classes and on new ones are never averaged into each other unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from harness.specs import RunSpec

TARGETS = "+"
"""Joins the tested domains in a distribution_shift run's target."""
NAMES: dict[str, tuple[str, ...]] = {
    "domain_shift": ("accuracy",),
    "distribution_shift": ("accuracy", "source"),
    "open_class": ("base", "new", "H"),
    "domain_and_class": ("base", "open", "all"),
}
"""Measures by protocol, in the order of tables."""
HEADLINE = {
    "domain_shift": "accuracy",
    "distribution_shift": "accuracy",
    "open_class": "H",
    "domain_and_class": "all",
}
"""The one number that stands for a run."""
MEANING = {
    "accuracy": "top-1 accuracy",
    "source": "top-1 accuracy on test images of the training domain",
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


def harmonic_mean(base: float, new: float) -> float:
    """Return ``2 b n / (b + n)``, 0 when both are 0."""
    return 2 * base * new / (base + new) if base + new else 0.0


def planned(spec: RunSpec) -> list[tuple[str, str]]:
    """Return the (target, measure) pairs that the run gives or will give, in table order."""
    names = NAMES[spec.protocol.name]
    if spec.protocol.name != "distribution_shift":
        return [(spec.target, name) for name in names]
    targets = [(target, "accuracy") for target in spec.target.split(TARGETS)]
    return [*targets, (spec.protocol.source, "source")]


def measured(spec: RunSpec, tests: Mapping[str, Counted]) -> dict[tuple[str, str], float]:
    """Return each of `planned`'s pairs with its value, a fraction in 0..1.

    Args:
        spec: The run.
        tests: The scores by test set: ``target`` (domain_shift), ``base`` and ``new``
            (open_class), ``base`` and ``open`` (domain_and_class), domain names
            (distribution_shift).
    """
    share = {name: score.correct / score.n for name, score in tests.items()}
    if spec.protocol.name == "domain_shift":
        return {(spec.target, "accuracy"): share["target"]}
    if spec.protocol.name == "open_class":
        values = {**share, "H": harmonic_mean(share["base"], share["new"])}
        return {(spec.target, name): values[name] for name in NAMES["open_class"]}
    if spec.protocol.name == "domain_and_class":
        correct = sum(score.correct for score in tests.values())
        values = {**share, "all": correct / sum(score.n for score in tests.values())}
        return {(spec.target, name): values[name] for name in NAMES["domain_and_class"]}
    return {(target, name): share[target] for target, name in planned(spec)}


def headline(spec: RunSpec, tests: Mapping[str, Counted]) -> float:
    """Return the one number of a run, a fraction: the mean over its targets' headline measure."""
    name = HEADLINE[spec.protocol.name]
    values = [value for (_, own), value in measured(spec, tests).items() if own == name]
    return sum(values) / len(values)
