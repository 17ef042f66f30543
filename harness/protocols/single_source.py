"""Train on one domain, test on every other: single-source domain generalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from harness.dataset import Dataset, check_target
from harness.protocols.base import Protocol
from harness.protocols.splits import Parts, Samples, check_domains, domainbed_parts


class SingleSource(Protocol):
    """The target is the domain that trains; every other one tests, over all classes."""

    name: Literal["single_source"] = "single_source"
    domains: tuple[str, ...] = ()
    """Those that are tested, but the one that trains; by default all of the data set."""
    title = "train on one domain"
    measures = ("accuracy",)
    headline_measure = "accuracy"
    published: ClassVar = {}

    def completed(self, dataset: Dataset) -> Self:
        """Fill in the data set's domains, which the cells of a table are made of.

        Raises:
            UserError: For a name that is no domain.
        """
        check_domains(dataset, self.domains)
        kept = tuple(d for d in dataset.domains if d in self.domains or not self.domains)
        return self.model_copy(update={"domains": kept})

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError unless another domain is left to test."""
        check_target(dataset, target)

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return the target: it trains."""
        return (target,)

    def parts(self, dataset: Dataset, domain: str, data_seed: int) -> Parts:
        """Return the source domain's part to train on, and to validate on."""
        return domainbed_parts(dataset, domain, self.holdout_fraction, self.shots, data_seed)

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return all images of each other domain, over all classes."""
        every = self.trained_classes(dataset)
        return {
            _cell(target, domain): (dataset.samples(domain), every)
            for domain in self.completed(dataset).domains
            if domain != target
        }

    def cells(self, target: str) -> list[tuple[str, str]]:
        """Return the accuracy on each other domain."""
        return [(_cell(target, d), "accuracy") for d in self.domains if d != target]

    def test_set(self, target: str, measure: str) -> str:
        """Return the pair of domains: its test set has its name."""
        return target

    def same_images(self) -> bool:
        """Tell that whole domains are tested."""
        return True

    def tested_words(self) -> str:
        """Return that whole domains are tested."""
        return "tested on all images of the other domains"


def _cell(source: str, domain: str) -> str:
    return f"{source} to {domain}"
