"""Base to new: half of the classes of one domain train, CoCoOp's protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.dataset import Dataset
from harness.protocols.base import Protocol
from harness.protocols.measures import Counted, fraction, harmonic_mean
from harness.protocols.splits import (
    Samples,
    check_domains,
    check_halves,
    official_test,
)


class OpenClass(Protocol):
    """The first half of the classes (rounded up) of the target domain trains, 16 images a class.

    Its test images test: base classes over their names, new ones over theirs.
    """

    name: Literal["open_class"] = "open_class"
    title = "half of the classes trained on"
    measures = ("base", "new", "H")
    headline_measure = "H"
    few_shot = True
    original: ClassVar = {"shots": 0}
    published: ClassVar = {
        "top1 base": ("base",),
        "top1 new": ("new",),
        "harmonic mean": ("H",),
    }

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError for an unknown domain, or too few classes to leave half of them out."""
        check_domains(dataset, [target])
        check_halves(dataset, self.name)

    def trained_classes(self, dataset: Dataset) -> tuple[int, ...]:
        """Return the first half, rounded up (CoOp)."""
        return tuple(range((len(dataset.class_names) + 1) // 2))

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return the target: it trains and is tested."""
        return (target,)

    def tested_words(self) -> str:
        """Return on which images each half is tested."""
        share = f"{100 * self.holdout_fraction:g} %"
        return (
            f"tested on the official test images, or without such a split on {share} of the base "
            "classes' images and all of the new ones'"
        )

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return test images of base and of new classes, each over its own half."""
        base = self.trained_classes(dataset)
        new = tuple(range(len(base), len(dataset.class_names)))
        return {
            "base": (self.parts(dataset, target, data_seed).test, base),
            "new": (official_test(dataset, target), new),
        }

    def measured(self, target: str, tests: Mapping[str, Counted]) -> dict[tuple[str, str], float]:
        """Return the accuracies on base and new classes, and their harmonic mean."""
        base, new = fraction(tests["base"]), fraction(tests["new"])
        return {
            (target, "base"): base,
            (target, "new"): new,
            (target, "H"): harmonic_mean(base, new),
        }

    def test_set(self, target: str, measure: str) -> str:
        """Return the measure's own set; H is over none."""
        return "" if measure == "H" else measure

    def unknown_set(self) -> str:
        """Return the set of new classes."""
        return "new"
