from __future__ import annotations

import random

import numpy as np
import pytest

from harness.dataset import Dataset, Sample
from harness.errors import UserError
from harness.protocols.open_class import OpenClass
from harness.seeding import domainbed_seed
from harness.store.records import Score
from tests.protocols.toys import Grouped, Official


def coop_lists(data: Dataset, shots: int, seed: int) -> tuple[set[str], set[str]]:
    """CoOp's few-shot lists as its code makes them, with the global generator."""
    samples = data.samples(data.domains[0])
    random.seed(seed)
    out = []
    for part, k in (("train", shots), ("val", min(shots, 4))):
        items: dict[int, list[str]] = {}
        for sample in samples:
            if sample.split == part:
                items.setdefault(sample.label, []).append(sample.key)
        chosen: set[str] = set()
        for members in items.values():
            chosen |= set(random.sample(members, k) if len(members) >= k else members)
        out.append(chosen)
    return out[0], out[1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_open_class_is_coops_base_to_new(seed: int) -> None:
    data, protocol = Official(), OpenClass()
    assert protocol.shots == 16
    parts = protocol.sources(data, "official", seed)
    train, val = coop_lists(data, 16, seed)
    base = {"a", "b", "c", "d"}  # ceil(7 / 2)
    assert parts.class_names == tuple(sorted(base))
    labels = {s.key: s.label for s in data.samples("official")}
    assert {s.key for s in parts.train["official"]} == {k for k in train if labels[k] < 4}
    assert {s.key for s in parts.val["official"]} == {k for k in val if labels[k] < 4}
    found = {part.name: part for part in protocol.test_sets(data, "official", seed)}
    assert list(found) == ["base", "new"]
    assert found["base"].class_names == ("a", "b", "c", "d")
    assert found["new"].class_names == ("e", "f", "g")  # over their own names only
    assert found["new"].classes == (4, 5, 6)
    for part in found.values():
        wanted = {k for k in labels if k.startswith("test/") and labels[k] in part.classes}
        assert {s.key for s in part.samples} == wanted
        assert all(part.classes[s.label] == labels[s.key] for s in part.samples)


def test_open_class_with_all_images_and_without_an_official_validation_split() -> None:
    data, protocol = Official(val=False), OpenClass(shots=0)
    parts = protocol.sources(data, "official", 3)
    train, val = parts.train["official"], parts.val["official"]
    assert not {s.key for s in train} & {s.key for s in val}
    assert {s.split for s in (*train, *val)} == {"train"}
    assert len(train) + len(val) == sum(25 - label % 3 for label in range(4))
    few = OpenClass().sources(data, "official", 3)
    counts = [sum(s.label == c for s in few.val["official"]) for c in range(4)]
    assert counts == [4, 4, 4, 4]
    assert not {s.key for s in few.train["official"]} & {s.key for s in few.val["official"]}


def test_open_class_without_any_official_split(folder: Dataset) -> None:
    data, protocol = Grouped(), OpenClass(shots=2)
    parts = protocol.sources(data, "b", 0)
    base, new = protocol.test_sets(data, "b", 0)
    keys = [{s.key for s in part} for part in
            (parts.train["b"], parts.val["b"], base.samples, new.samples)]  # fmt: skip
    for i, first in enumerate(keys):
        for second in keys[i + 1 :]:
            assert not first & second
    assert len(keys[3]) == 12  # nothing of the new classes was trained on: all their images
    assert {key[0] for part in keys for key in part} == {"b"}
    with pytest.raises(UserError, match="has 3 classes; halves of at least two need four"):
        protocol.sources(folder, "domain0", 0)


def test_its_measures_are_base_new_and_their_harmonic_mean() -> None:
    half, fifth = Score(correct=5, n=10), Score(correct=6, n=30)
    tests = {"base": half, "new": fifth}
    h = 2 * 0.5 * 0.2 / 0.7
    assert OpenClass().measured("noto", tests) == {
        ("noto", "base"): 0.5,
        ("noto", "new"): 0.2,
        ("noto", "H"): pytest.approx(h),
    }
    assert OpenClass().headline("noto", tests) == pytest.approx(h)


def test_what_it_validates_on_is_said() -> None:
    assert OpenClass(shots=2).validated_words() == "validated on up to 2 images a class"
    assert OpenClass().validated_words() == "validated on up to 4 images a class"
    assert "official split, or 20 %" in OpenClass(shots=0).validated_words()


def test_validation_and_test_images_are_drawn_by_seeds_of_their_own() -> None:
    """The same seed for both would validate on the images at the tested ones' places."""
    data = Grouped()
    protocol = OpenClass(shots=0)
    parts = protocol.parts(data, "b", 3)
    rest = [s for s in data.samples("b") if s not in parts.test]

    def drawn(samples: list[Sample], *more: object) -> set[str]:
        keys = list(range(len(samples)))
        np.random.RandomState(domainbed_seed(3, 1, *more)).shuffle(keys)
        return {samples[i].key for i in keys[: int(len(samples) * 0.2)]}

    assert {s.key for s in parts.test} == drawn(list(data.samples("b")))
    assert {s.key for s in parts.val} == drawn(rest, "val")
    assert {s.key for s in parts.val} != drawn(rest)


def test_the_caption_says_which_images_each_half_is_tested_on() -> None:
    words = OpenClass(holdout_fraction=0.1).tested_words()
    assert "10 % of the base classes' images and all of the new ones'" in words
