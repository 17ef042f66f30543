"""Small data sets in memory, of the kinds that protocols tell apart."""

from __future__ import annotations

import random

from harness.dataset import Dataset, DatasetOptions, Sample
from harness.protocols.splits import TestSet


class Grouped(Dataset):
    """Three domains of the same 24 things in 4 classes."""

    name, summary, licence, source = "grouped", "", "", ""

    def __init__(self) -> None:
        super().__init__(DatasetOptions(), None)
        self.domains = ("a", "b", "c")
        self.class_names = ("w", "x", "y", "z")

    def samples(self, domain: str) -> tuple[Sample, ...]:
        return tuple(
            Sample(f"{domain}/{i:02d}", i // 6, domain, group=f"g{i:02d}") for i in range(24)
        )


class Official(Dataset):
    """One domain of 7 classes with an official split, in an order like a split file's."""

    name, summary, licence, source = "official", "", "", ""

    def __init__(self, val: bool = True) -> None:
        super().__init__(DatasetOptions(), None)
        self.domains = ("official",)
        self.class_names = tuple("abcdefg")
        order = random.Random(5)
        self._samples: tuple[Sample, ...] = ()
        for part, per_class in (("train", 25), ("val", 8 if val else 0), ("test", 6)):
            keys = [(label, i) for label in range(7) for i in range(per_class - label % 3)]
            order.shuffle(keys)
            self._samples += tuple(
                Sample(f"{part}/{label}/{i}", label, "official", split=part) for label, i in keys
            )

    def samples(self, domain: str) -> tuple[Sample, ...]:
        return self._samples


class Shifted(Grouped):
    """Three domains, one of which has images of two of the four classes only."""

    name = "shifted"

    def classes_of(self, domain: str) -> tuple[int, ...]:
        return (1, 3) if domain == "c" else super().classes_of(domain)

    def samples(self, domain: str) -> tuple[Sample, ...]:
        return tuple(s for s in super().samples(domain) if s.label in self.classes_of(domain))


def one(sets: tuple[TestSet, ...]) -> tuple[Sample, ...]:
    (found,) = sets
    return found.samples
