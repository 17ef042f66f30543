"""A few images of every class train: CoOp's protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.dataset import Dataset
from harness.protocols.base import Protocol
from harness.protocols.splits import Samples, check_domains


class FewShot(Protocol):
    """All classes of the target domain train, 16 images each (the field: 1, 2, 4, 8 and 16).

    Its test images test, over all names.
    """

    name: Literal["few_shot"] = "few_shot"
    title = "a few images of every class"
    measures = ("accuracy",)
    headline_measure = "accuracy"
    few_shot = True
    published: ClassVar = {}

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError for an unknown domain."""
        check_domains(dataset, [target])

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return the target: it trains and is tested."""
        return (target,)

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return the test images, over all names."""
        every = self.trained_classes(dataset)
        return {"test": (self.parts(dataset, target, data_seed).test, every)}

    def test_set(self, target: str, measure: str) -> str:
        """Return the one test set."""
        return "test"

    def tested_words(self) -> str:
        """Return on which images it tests."""
        share = f"{100 * self.holdout_fraction:g} %"
        return f"tested on the official test images, or {share} where there is no such split"
