from __future__ import annotations

import random

import pytest

from harness.errors import UserError
from harness.protocols.domain_shift import DomainShift
from harness.protocols.few_shot import FewShot
from harness.store.records import Score
from tests.protocols.toys import Grouped, Official


@pytest.mark.parametrize("shots", [1, 2, 4, 8, 16])
def test_it_draws_what_coop_draws(shots: int) -> None:
    data = Official()
    parts = FewShot(shots=shots).sources(data, "official", 3)
    rng = random.Random(3)  # CoOp: one seed, training images first, then min(shots, 4) to validate
    for part, k, found in (("train", shots, parts.train), ("val", min(shots, 4), parts.val)):
        own = [s for s in data.samples("official") if s.split == part]
        labels = list(dict.fromkeys(s.label for s in own))
        expected = [rng.sample([s for s in own if s.label == label], k) for label in labels]
        assert list(found["official"]) == [s for drawn in expected for s in drawn]
    assert parts.class_names == data.class_names
    (test,) = FewShot(shots=shots).test_sets(data, "official", 3)
    assert [s for s in data.samples("official") if s.split == "test"] == list(test.samples)
    assert test.class_names == data.class_names


def test_without_an_official_split_no_image_is_in_two_parts() -> None:
    data = Grouped()
    protocol = FewShot(shots=2)
    parts = protocol.sources(data, "b", 0)
    (test,) = protocol.test_sets(data, "b", 0)
    used = {s.key for part in (parts.train, parts.val) for s in part["b"]}
    assert len(used) == 2 * 4 + 2 * 4
    assert not used & {s.key for s in test.samples}
    assert len(test.samples) == 24 * 20 // 100


def test_its_words_and_its_cell() -> None:
    protocol = FewShot()
    assert protocol.shots == 16
    assert protocol.targets_of(Grouped(), ["all"]) == ["a", "b", "c"]
    assert protocol.measured("a", {"test": Score(correct=1, n=4)}) == {("a", "accuracy"): 0.25}
    with pytest.raises(UserError, match="unknown domain of data set 'grouped' 'd'"):
        protocol.sources(Grouped(), "d", 0)


def test_classes_with_fewer_images_than_shots_are_said() -> None:
    data = Official()  # 23 to 25 training images of a class
    assert FewShot(shots=23).notes(data, "official", 0) == []
    (line,) = FewShot(shots=24).notes(data, "official", 1)
    assert line == (
        "few_shot, data seed 1, domain 'official': 2 of 7 classes have fewer than 24 training "
        "images, the least 23; 0 have none to validate on"
    )
    (line,) = FewShot(shots=30).notes(Official(val=False), "official", 0)
    assert line.endswith("the least 23; 7 have none to validate on")
    assert DomainShift().notes(Grouped(), "a", 0) == []
