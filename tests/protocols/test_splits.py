from __future__ import annotations

import random

import numpy as np

from harness.dataset import Dataset, Sample
from harness.protocols.domain_shift import DomainShift
from harness.protocols.splits import Sources, split


def test_split_equals_domainbeds_on_random_sizes() -> None:
    for n in [random.Random(7).randrange(5, 200) for _ in range(20)]:
        samples = tuple(Sample(str(i), 0, "a") for i in range(n))
        kept, out = split(samples, 0.2, n)
        keys = list(range(n))  # DomainBed lib/misc.py: shuffle, first int(n * .2) are `out`
        np.random.RandomState(n).shuffle(keys)
        assert {s.key for s in out} == {str(i) for i in keys[: int(n * 0.2)]}
        assert {s.key for s in kept} == {str(i) for i in keys[int(n * 0.2) :]}


def test_splits_depend_on_data_seed_and_domain_only(folder: Dataset) -> None:
    one = DomainShift().sources(folder, "domain1", 0)
    other = DomainShift().sources(folder, "domain2", 0)
    assert one.train["domain0"] == other.train["domain0"]  # whatever is held out
    assert one.train["domain0"] != DomainShift().sources(folder, "domain1", 1).train["domain0"]


def test_sources_type_holds_only_samples() -> None:
    # The engine hands a `Sources` to the loop: it must not drag the data set along.
    assert set(Sources.__dataclass_fields__) == {"train", "val", "class_names"}
