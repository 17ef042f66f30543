"""One domain and half of the classes left out: CLIPood's and AlignCLIP's 'in the wild'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.dataset import Dataset, check_target
from harness.protocols.base import Protocol
from harness.protocols.draws import few_shot
from harness.protocols.measures import Counted, fraction
from harness.protocols.splits import Parts, Samples, check_halves, split, split_seed


class DomainAndClass(Protocol):
    """The first half of the classes (rounded down) trains in all domains but the target.

    The whole target tests, over all names: base classes, open ones, and all its images.
    """

    name: Literal["domain_and_class"] = "domain_and_class"
    title = "one domain and half of the classes left out"
    measures = ("base", "open", "all")
    headline_measure = "all"
    published: ClassVar = {
        "top1": ("all",),
        "top1 base": ("base",),
        "top1 open": ("open",),
        "top1 all": ("all",),
    }

    def check(self, dataset: Dataset, target: str) -> None:
        """Raise UserError unless something is left to train on, and classes to leave out."""
        check_target(dataset, target)
        check_halves(dataset, self.name)

    def trained_classes(self, dataset: Dataset) -> tuple[int, ...]:
        """Return the first half, rounded down (CLIPood)."""
        return tuple(range(len(dataset.class_names) // 2))

    def parts(self, dataset: Dataset, domain: str, data_seed: int) -> Parts:
        """Split after the choice of classes, with a seed of its own, as CLIPood does."""
        base = set(self.trained_classes(dataset))
        samples = tuple(s for s in dataset.samples(domain) if s.label in base)
        seed = split_seed(dataset, domain, data_seed, "base")
        train, val = split(samples, self.holdout_fraction, seed)
        return Parts(few_shot(train, (), self.shots, data_seed)[0] if self.shots else train, val)

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        """Return the target's images of base and of open classes, both over all classes."""
        every = tuple(range(len(dataset.class_names)))
        base, samples = set(self.trained_classes(dataset)), dataset.samples(target)
        return {
            "base": (tuple(s for s in samples if s.label in base), every),
            "open": (tuple(s for s in samples if s.label not in base), every),
        }

    def measured(self, target: str, tests: Mapping[str, Counted]) -> dict[tuple[str, str], float]:
        """Return the accuracies on base, on open and on all images."""
        images = sum(score.n for score in tests.values())
        every = sum(score.correct for score in tests.values()) / images
        return {
            (target, "base"): fraction(tests["base"]),
            (target, "open"): fraction(tests["open"]),
            (target, "all"): every,
        }

    def test_set(self, target: str, measure: str) -> str:
        """Return the measure's own set; `all` is over both."""
        return "" if measure == "all" else measure

    def unknown_set(self) -> str:
        """Return the set of open classes."""
        return "open"

    def same_images(self) -> bool:
        """Tell that the whole domain is tested."""
        return True

    def tested_words(self) -> str:
        """Return that the whole domain is tested."""
        return "tested on all images of the held-out domain"
