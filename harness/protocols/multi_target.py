"""Leave two domains out, or more: what is gained where less is trained on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from harness.dataset import Dataset
from harness.errors import UserError
from harness.protocols.base import TARGETS, Protocol
from harness.protocols.measures import Counted, fraction
from harness.protocols.splits import Parts, Samples, check_domains, domainbed_parts


class MultiTarget(Protocol):
    """All domains but the target's train; each of these tests, and all of them together.

    A target is two domains or more joined by ``+``; all of them are every choice of `held_out`.
    """

    name: Literal["multi_target"] = "multi_target"
    held_out: int = Field(2, ge=2)
    """How many domains each target has, where all targets are asked for."""
    title = "leave several domains out"
    measures = ("accuracy", "all")
    headline_measure = "all"
    published: ClassVar = {}

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError unless the target is several domains and leaves one to train on."""
        chosen = target.split(TARGETS)
        check_domains(dataset, chosen)
        if len(set(chosen)) < max(len(chosen), 2):
            raise UserError(
                f"protocol multi_target: target '{target}' must be different domains joined by "
                f"'{TARGETS}', as {TARGETS.join(dataset.domains[:2])}"
            )
        if len(chosen) >= len(dataset.domains):
            raise UserError(
                f"protocol multi_target: target '{target}' leaves no domain of data set "
                f"'{dataset.name}' to train on; hold out fewer"
            )

    def targets_of(self, dataset: Dataset, asked: Sequence[str]) -> list[str]:
        """Return the targets, each in the data set's order.

        Raises:
            UserError: As `check`.
        """
        every = (TARGETS.join(c) for c in itertools.combinations(dataset.domains, self.held_out))
        chosen = list(every) if list(asked) == ["all"] else list(asked)
        if not chosen:
            raise UserError(
                f"protocol multi_target: held_out={self.held_out}, but data set '{dataset.name}' "
                f"has {len(dataset.domains)} domain(s); hold out fewer"
            )
        for target in chosen:
            self.check(dataset, target)
        ordered = (sorted(t.split(TARGETS), key=dataset.domains.index) for t in chosen)
        return list(dict.fromkeys(map(TARGETS.join, ordered)))

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return the domains that are not left out."""
        return tuple(d for d in dataset.domains if d not in target.split(TARGETS))

    def parts(self, dataset: Dataset, domain: str, data_seed: int) -> Parts:
        """Return a source domain's part to train on, and to validate on."""
        return domainbed_parts(dataset, domain, self.holdout_fraction, self.shots, data_seed)

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return all images of each domain left out, over all classes."""
        every = self.trained_classes(dataset)
        return {
            _cell(domain, target): (dataset.samples(domain), every)
            for domain in target.split(TARGETS)
        }

    def cells(self, target: str) -> list[tuple[str, str]]:
        """Return each domain's accuracy beside the others left out, then that of all images."""
        own = [(_cell(domain, target), "accuracy") for domain in target.split(TARGETS)]
        return [*own, (target, "all")]

    def measured(self, target: str, tests: Mapping[str, Counted]) -> dict[tuple[str, str], float]:
        """Return the accuracies on each domain, and on all images."""
        *own, together = self.cells(target)
        scores = [tests[name] for name, _ in own]
        every = sum(score.correct for score in scores) / sum(score.n for score in scores)
        return {cell: fraction(tests[cell[0]]) for cell in own} | {together: every}

    def test_set(self, target: str, measure: str) -> str:
        """Return the domain's own set; `all` is over several."""
        return "" if measure == "all" else target

    def same_images(self) -> bool:
        """Tell that whole domains are tested."""
        return True

    def tested_words(self) -> str:
        """Return that whole domains are tested."""
        return "tested on all images of the held-out domains"


def _cell(domain: str, target: str) -> str:
    """Return what tells a domain from itself beside others left out."""
    return f"{domain} of {target}"
