"""Leave one domain out: DomainBed's protocol, as CLIPood and AlignCLIP use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.dataset import Dataset, check_target
from harness.protocols.base import Protocol
from harness.protocols.splits import (
    Parts,
    Samples,
    domainbed_parts,
    split,
    split_seed,
    training_groups,
)

_TESTED = {
    "all": "tested on all images of the held-out domain",
    "in": "tested on DomainBed's 'in' part of the held-out domain",
    "out": "tested on DomainBed's 'out' part of the held-out domain",
}


class DomainShift(Protocol):
    """All domains but the target train; the target tests, over all classes."""

    name: Literal["domain_shift"] = "domain_shift"
    title = "leave one domain out"
    measures = ("accuracy",)
    headline_measure = "accuracy"
    options = frozenset({"test_on", "disjoint_groups"})
    original: ClassVar = {"test_on": "out"}
    published: ClassVar = {"top1": ("accuracy",)}

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError unless something is left to train on."""
        check_target(dataset, target)

    def parts(self, dataset: Dataset, domain: str, data_seed: int) -> Parts:
        """Return a source domain's part to train on, and to validate on."""
        train, val, _ = domainbed_parts(
            dataset, domain, self.holdout_fraction, self.shots, data_seed
        )
        if self.disjoint_groups:
            groups = training_groups(dataset, data_seed)
            train, val = (tuple(s for s in part if s.group in groups) for part in (train, val))
        return Parts(train, val)

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return the held-out domain, or the part of it that is asked for."""
        samples = dataset.samples(target)
        kept, out = split(samples, self.holdout_fraction, split_seed(dataset, target, data_seed))
        chosen = {"all": samples, "in": kept, "out": out}[self.test_on]
        if self.disjoint_groups:
            seen = training_groups(dataset, data_seed)
            chosen = tuple(sample for sample in chosen if sample.group not in seen)
        return {"target": (chosen, tuple(range(len(dataset.class_names))))}

    def test_set(self, target: str, measure: str) -> str:
        """Return the one test set."""
        return "target"

    def same_images(self) -> bool:
        """Tell whether the whole domain is tested."""
        return self.test_on == "all" and not self.disjoint_groups

    def tested_words(self) -> str:
        """Return which part of the domain is tested."""
        groups = ", on groups (pictured things) not trained on" if self.disjoint_groups else ""
        return f"{_TESTED[self.test_on]}{groups}"
