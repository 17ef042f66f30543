from __future__ import annotations

import numpy as np

from harness.protocols.domain_and_class import DomainAndClass
from harness.seeding import domainbed_seed
from harness.store.records import Score
from tests.protocols.toys import Grouped


def test_domain_and_class_is_clipoods_in_the_wild() -> None:
    data, protocol = Grouped(), DomainAndClass()
    parts = protocol.sources(data, "b", 0)
    assert parts.class_names == ("w", "x")  # floor(4 / 2)
    for index, domain in ((0, "a"), (2, "c")):
        base = [s.key for s in data.samples(domain) if s.label < 2]
        keys = list(range(len(base)))  # CLIPood: base classes first, then DomainBed's split
        np.random.RandomState(domainbed_seed(0, index, "base")).shuffle(keys)
        out = {base[i] for i in keys[: int(len(base) * 0.2)]}
        assert {s.key for s in parts.val[domain]} == out
        assert {s.key for s in parts.train[domain]} == set(base) - out
    found = {part.name: part for part in protocol.test_sets(data, "b", 0)}
    assert {name: len(part.samples) for name, part in found.items()} == {"base": 12, "open": 12}
    for part in found.values():  # both over all names: the generalised setting
        assert part.class_names == data.class_names
        assert all(s.label == int(s.key[2:]) // 6 for s in part.samples)


def test_its_measures_are_base_open_and_all_images() -> None:
    tests = {"base": Score(correct=5, n=10), "open": Score(correct=6, n=30)}
    assert DomainAndClass().measured("noto", tests) == {
        ("noto", "base"): 0.5,
        ("noto", "open"): 0.2,
        ("noto", "all"): 11 / 40,  # over images, not the mean of the two
    }
    assert DomainAndClass().headline("noto", tests) == 11 / 40
