"""Train on one domain, test on others: ImageNet and its variants, CLIPood's and CoOp's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

from harness.dataset import Dataset
from harness.errors import UserError
from harness.protocols.base import TARGETS, Protocol
from harness.protocols.splits import (
    Samples,
    check_domains,
    official_test,
)


class DistributionShift(Protocol):
    """The source domain trains, 16 images a class; the target's domains test.

    Each is scored over the classes it has, and the source's own test images beside them.
    """

    name: Literal["distribution_shift"] = "distribution_shift"
    title = "trained on one domain, tested on others"
    measures = ("accuracy", "source")
    headline_measure = "accuracy"
    options = frozenset({"source"})
    few_shot = True
    published: ClassVar = {"top1": ("accuracy", "source")}
    published_source = "ImageNet"
    published_domains = False

    def completed(self, dataset: Dataset) -> Self:
        """Fill in the source domain that the field agrees on.

        Raises:
            UserError: If there is none.
        """
        if self.source:
            return self
        if not dataset.source_domain:
            raise UserError(
                f"protocol distribution_shift: data set '{dataset.name}' has no agreed source "
                f"domain; set 'source' to one of {', '.join(dataset.domains)}"
            )
        return self.model_copy(update={"source": dataset.source_domain})

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError for unknown domains, or a source that is tested as a target."""
        if self.source in target.split(TARGETS):
            raise UserError(
                f"protocol distribution_shift: '{self.source}' is the source domain; "
                "test on the others"
            )
        check_domains(dataset, [self.source, *target.split(TARGETS)])

    def targets_of(self, dataset: Dataset, asked: Sequence[str]) -> list[str]:
        """Return the one target of a run that tests all that is asked for.

        Raises:
            UserError: As `check`.
        """
        chosen = TARGETS.join(asked).split(TARGETS)
        if chosen == ["all"]:
            chosen = [domain for domain in dataset.domains if domain != self.source]
        target = TARGETS.join(sorted(set(chosen)))
        self.check(dataset, target)
        return [target]

    def trained_classes(self, dataset: Dataset) -> tuple[int, ...]:
        """Return the source domain's classes."""
        return dataset.classes_of(self.source)

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return the source."""
        return (self.source,)

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return every target's test images over the classes it has, then the source's."""
        tested = {
            domain: (official_test(dataset, domain), dataset.classes_of(domain))
            for domain in target.split(TARGETS)
        }
        own = self.parts(dataset, self.source, data_seed).test
        return tested | {self.source: (own, self.trained_classes(dataset))}

    def cells(self, target: str) -> list[tuple[str, str]]:
        """Return the targets' accuracies, then the source's."""
        return [*((one, "accuracy") for one in target.split(TARGETS)), (self.source, "source")]

    def test_set(self, target: str, measure: str) -> str:
        """Return the domain: its test set has its name."""
        return target
