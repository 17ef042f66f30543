from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from harness.dataset import Dataset, DatasetOptions, Sample
from harness.errors import UserError
from harness.protocols.protocols import HeldOut, Sources, held_out, sources, split, targets_of
from harness.seeding import derive, domainbed_seed, generator
from harness.specs import DatasetSpec, ProtocolSpec, validated
from harness.sweep.plan import open_dataset


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


def one(sets: tuple[HeldOut, ...]) -> tuple[Sample, ...]:
    (found,) = sets
    return found.samples


@pytest.fixture
def folder(image_folder: Path) -> Dataset:
    return open_dataset(DatasetSpec(name="folder"), image_folder)


@pytest.mark.parametrize(
    ("args", "value"),
    [  # DomainBed's own values
        ((0, 0), 894182419),
        ((0, 1), 1514274641),
        ((0, 5), 1833038383),
        ((0, 0, "base"), 1300057093),
        ((0, 1, "base"), 2104057753),
    ],
)
def test_domainbed_seed_constants(args: tuple[object, ...], value: int) -> None:
    assert domainbed_seed(*args) == value


def test_split_equals_domainbeds_on_random_sizes() -> None:
    for n in [random.Random(7).randrange(5, 200) for _ in range(20)]:
        samples = tuple(Sample(str(i), 0, "a") for i in range(n))
        kept, out = split(samples, 0.2, n)
        keys = list(range(n))  # DomainBed lib/misc.py: shuffle, first int(n * .2) are `out`
        np.random.RandomState(n).shuffle(keys)
        assert {s.key for s in out} == {str(i) for i in keys[: int(n * 0.2)]}
        assert {s.key for s in kept} == {str(i) for i in keys[int(n * 0.2) :]}


def test_sources_partition_the_source_domains_and_hold_nothing_of_the_target(
    folder: Dataset,
) -> None:
    parts = sources(folder, ProtocolSpec(), "domain1", 0)
    assert list(parts.train) == list(parts.val) == ["domain0", "domain2"]
    for domain in parts.train:
        both = parts.train[domain] + parts.val[domain]
        assert sorted(s.key for s in both) == sorted(s.key for s in folder.samples(domain))
        assert len(parts.val[domain]) == 6
        assert all(s.domain == domain for s in both)


def test_splits_depend_on_data_seed_and_domain_only(folder: Dataset) -> None:
    one = sources(folder, ProtocolSpec(), "domain1", 0)
    other = sources(folder, ProtocolSpec(), "domain2", 0)
    assert one.train["domain0"] == other.train["domain0"]  # whatever is held out
    assert one.train["domain0"] != sources(folder, ProtocolSpec(), "domain1", 1).train["domain0"]


def test_test_on_all_in_out(folder: Dataset) -> None:
    parts = {
        on: {s.key for s in one(held_out(folder, ProtocolSpec(test_on=on), "domain0", 0))}  # type: ignore[arg-type]
        for on in ("all", "in", "out")
    }
    assert parts["in"] | parts["out"] == parts["all"]
    assert not parts["in"] & parts["out"]
    assert (len(parts["all"]), len(parts["out"])) == (30, 6)


def test_disjoint_groups_share_no_thing_between_training_and_test() -> None:
    data, protocol = Grouped(), ProtocolSpec(disjoint_groups=True)
    for seed in range(5):
        parts = sources(data, protocol, "b", seed)
        seen = {s.group for v in (*parts.train.values(), *parts.val.values()) for s in v}
        found = one(held_out(data, protocol, "b", seed))
        assert not seen & {s.group for s in found}
        assert len(found) == 12
        assert {s.label for s in found} == {0, 1, 2, 3}  # half of every class


def test_disjoint_groups_without_groups_is_an_error(folder: Dataset) -> None:
    with pytest.raises(UserError, match="names no groups; leave the option out"):
        sources(folder, ProtocolSpec(disjoint_groups=True), "domain0", 0)


def test_unknown_target_names_the_domains(folder: Dataset) -> None:
    with pytest.raises(UserError, match=r"'domain7' is no domain .* domain0, domain1, domain2"):
        sources(folder, ProtocolSpec(), "domain7", 0)


def test_sources_type_holds_only_samples() -> None:
    # The engine hands a `Sources` to the loop: it must not drag the data set along.
    assert set(Sources.__dataclass_fields__) == {"train", "val", "class_names"}


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
    data, protocol = Official(), ProtocolSpec(name="open_class")
    assert protocol.shots == 16
    parts = sources(data, protocol, "official", seed)
    train, val = coop_lists(data, 16, seed)
    base = {"a", "b", "c", "d"}  # ceil(7 / 2)
    assert parts.class_names == tuple(sorted(base))
    labels = {s.key: s.label for s in data.samples("official")}
    assert {s.key for s in parts.train["official"]} == {k for k in train if labels[k] < 4}
    assert {s.key for s in parts.val["official"]} == {k for k in val if labels[k] < 4}
    found = {part.name: part for part in held_out(data, protocol, "official", seed)}
    assert list(found) == ["base", "new"]
    assert found["base"].class_names == ("a", "b", "c", "d")
    assert found["new"].class_names == ("e", "f", "g")  # over their own names only
    assert found["new"].classes == (4, 5, 6)
    for part in found.values():
        wanted = {k for k in labels if k.startswith("test/") and labels[k] in part.classes}
        assert {s.key for s in part.samples} == wanted
        assert all(part.classes[s.label] == labels[s.key] for s in part.samples)


def test_open_class_with_all_images_and_without_an_official_validation_split() -> None:
    data, protocol = Official(val=False), ProtocolSpec(name="open_class", shots=0)
    parts = sources(data, protocol, "official", 3)
    train, val = parts.train["official"], parts.val["official"]
    assert not {s.key for s in train} & {s.key for s in val}
    assert {s.split for s in (*train, *val)} == {"train"}
    assert len(train) + len(val) == sum(25 - label % 3 for label in range(4))
    few = sources(data, ProtocolSpec(name="open_class"), "official", 3)
    counts = [sum(s.label == c for s in few.val["official"]) for c in range(4)]
    assert counts == [4, 4, 4, 4]
    assert not {s.key for s in few.train["official"]} & {s.key for s in few.val["official"]}


def test_open_class_without_any_official_split(folder: Dataset) -> None:
    data, protocol = Grouped(), ProtocolSpec(name="open_class", shots=2)
    parts = sources(data, protocol, "b", 0)
    base, new = held_out(data, protocol, "b", 0)
    keys = [{s.key for s in part} for part in
            (parts.train["b"], parts.val["b"], base.samples, new.samples)]  # fmt: skip
    for i, first in enumerate(keys):
        for second in keys[i + 1 :]:
            assert not first & second
    assert len(keys[3]) == 12  # nothing of the new classes was trained on: all their images
    assert {key[0] for part in keys for key in part} == {"b"}
    with pytest.raises(UserError, match="has 3 classes; halves of at least two need four"):
        sources(folder, protocol, "domain0", 0)


def test_domain_and_class_is_clipoods_in_the_wild() -> None:
    data, protocol = Grouped(), ProtocolSpec(name="domain_and_class")
    parts = sources(data, protocol, "b", 0)
    assert parts.class_names == ("w", "x")  # floor(4 / 2)
    for index, domain in ((0, "a"), (2, "c")):
        base = [s.key for s in data.samples(domain) if s.label < 2]
        keys = list(range(len(base)))  # CLIPood: base classes first, then DomainBed's split
        np.random.RandomState(domainbed_seed(0, index, "base")).shuffle(keys)
        out = {base[i] for i in keys[: int(len(base) * 0.2)]}
        assert {s.key for s in parts.val[domain]} == out
        assert {s.key for s in parts.train[domain]} == set(base) - out
    found = {part.name: part for part in held_out(data, protocol, "b", 0)}
    assert {name: len(part.samples) for name, part in found.items()} == {"base": 12, "open": 12}
    for part in found.values():  # both over all names: the generalised setting
        assert part.class_names == data.class_names
        assert all(s.label == int(s.key[2:]) // 6 for s in part.samples)


def test_distribution_shift_trains_on_one_domain_and_scores_subsets_over_their_names() -> None:
    data = Shifted()
    protocol = ProtocolSpec(name="distribution_shift", source="a", shots=3)
    assert targets_of(data, protocol, ["all"]) == ["b+c"]
    assert targets_of(data, protocol, ["c"]) == ["c"]
    parts = sources(data, protocol, "b+c", 0)
    assert list(parts.train) == ["a"]
    assert [sum(s.label == c for s in parts.train["a"]) for c in range(4)] == [3, 3, 3, 3]
    found = {part.name: part for part in held_out(data, protocol, "b+c", 0)}
    assert list(found) == ["b", "c", "a"]
    assert found["c"].class_names == ("x", "z")
    assert {s.label for s in found["c"].samples} == {0, 1}
    assert len(found["b"].samples) == 24
    used = {s.key for part in (parts.train, parts.val) for s in part["a"]}
    assert not used & {s.key for s in found["a"].samples}
    with pytest.raises(UserError, match="'a' is the source domain; test on the others"):
        targets_of(data, protocol, ["a", "b"])
    with pytest.raises(UserError, match="unknown domain of data set 'shifted' 'd'"):
        targets_of(data, protocol, ["d"])


def test_the_original_preset_names_the_authors_choices() -> None:
    def original(name: str, **more: object) -> ProtocolSpec:
        return ProtocolSpec.model_validate({"name": name, "preset": "original", **more})

    for name in ("domain_shift", "distribution_shift", "open_class", "domain_and_class"):
        spec = original(name)
        assert spec.fixed_splits
        assert spec.test_resize == "bilinear"
        assert ProtocolSpec.model_validate(spec.model_dump()) == spec
    assert original("domain_shift").test_on == "out"
    assert original("open_class").shots == 0  # AlignCLIP's scripts train on all images
    assert original("open_class", shots=16).shots == 16  # CLIPood's
    assert original("distribution_shift").shots == 16


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "open_class", "test_on": "in"}, "'test_on' means nothing in protocol open_class"),
        ({"source": "a"}, "'source' means nothing in protocol domain_shift"),
        ({"preset": "paper"}, "preset 'paper' is unknown; use original"),
        ({"name": "in_the_wild"}, "field 'name' is 'in_the_wild'"),
    ],
)
def test_a_protocol_that_makes_no_sense_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        validated(ProtocolSpec, values, "here")


def test_generators_do_not_depend_on_order() -> None:
    first = generator("batch", 3, "a", 7)
    generator("batch", 3, "a", 8)
    assert first.initial_seed() == generator("batch", 3, "a", 7).initial_seed()
    assert derive("batch", 1, 23) != derive("batch", 12, 3)
    assert derive("batch", "1") != derive("batch", 1)
