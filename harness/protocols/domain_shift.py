"""Leave one domain out: DomainBed's protocol, as CLIPood and AlignCLIP use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.dataset import Dataset, check_target
from harness.errors import UserError
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
    "nothing": "scored on the validation parts of the source domains, the held-out domain unread",
    "oracle": "scored on the ORACLE part of the held-out domain",
    "rest": "tested on the held-out domain without the part that ORACLE selection reads",
}


class DomainShift(Protocol):
    """All domains but the target train; the target tests, over all classes.

    Trials of a search test on ``nothing``: only the sources' validation parts are scored, once
    more, and the target is not read. ``oracle`` is `holdout_fraction` of the target, drawn once and
    the same for every data seed, and ``rest`` is what it leaves: what an oracle chooses by is
    never what its choice is tested on.
    """

    name: Literal["domain_shift"] = "domain_shift"
    left_out: str = ""
    """A domain that neither trains nor is tested: a search that holds out one source after the
    other leaves the target out."""
    title = "leave one domain out"
    measures = ("accuracy",)
    headline_measure = "accuracy"
    options = frozenset({"test_on", "disjoint_groups"})
    original: ClassVar = {"test_on": "out"}
    published: ClassVar = {"top1": ("accuracy",)}

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError unless something is left to train on."""
        check_target(dataset, target)
        if self.left_out:
            check_target(dataset, self.left_out)
            if not self.source_domains(dataset, target):
                raise UserError(
                    f"data set '{dataset.name}': without '{target}' and '{self.left_out}' no "
                    "domain is left to train on"
                )

    def source_domains(self, dataset: Dataset, target: str) -> tuple[str, ...]:
        """Return the domains that train, in the data set's order."""
        return tuple(d for d in dataset.domains if d not in (target, self.left_out))

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
        classes = tuple(range(len(dataset.class_names)))
        if self.test_on == "nothing":
            sources = self.source_domains(dataset, target)
            return {
                "target": (
                    tuple(s for d in sources for s in self.parts(dataset, d, data_seed).val),
                    classes,
                )
            }
        samples = dataset.samples(target)
        kept, out = split(samples, self.holdout_fraction, split_seed(dataset, target, data_seed))
        seed = split_seed(dataset, target, 0, "oracle")
        rest, oracle = split(samples, self.holdout_fraction, seed)
        chosen = {"all": samples, "in": kept, "out": out, "oracle": oracle, "rest": rest}[
            self.test_on
        ]
        if self.disjoint_groups:
            seen = training_groups(dataset, data_seed)
            chosen = tuple(sample for sample in chosen if sample.group not in seen)
        return {"target": (chosen, classes)}

    def test_set(self, target: str, measure: str) -> str:
        """Return the one test set."""
        return "target"

    def only_tested(self) -> bool:
        """Tell trials, and what an oracle chose, from ordinary runs."""
        return self.test_on in ("nothing", "oracle", "rest")

    def score_words(self) -> str:
        """Return whether it is a trial's score, and of which kind."""
        return {"nothing": "validation", "oracle": "ORACLE"}.get(self.test_on, "")

    def same_images(self) -> bool:
        """Tell whether the whole domain is tested."""
        return self.test_on in ("all", "rest") and not self.disjoint_groups

    def tested_words(self) -> str:
        """Return which part of the domain is tested."""
        groups = ", on groups (pictured things) not trained on" if self.disjoint_groups else ""
        return f"{_TESTED[self.test_on]}{groups}"

    def setting_words(self) -> list[str]:
        """Return what differs from the plain form, a domain that is left out included."""
        left = [f"without domain {self.left_out}"] if self.left_out else []
        return left + super().setting_words()
