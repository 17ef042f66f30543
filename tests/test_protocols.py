from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from harness.dataset import Dataset, DatasetOptions, Sample
from harness.errors import UserError
from harness.plan import open_dataset
from harness.protocols import Sources, sources, split, target_samples
from harness.seeding import derive, domainbed_seed, generator
from harness.specs import DatasetSpec, ProtocolSpec


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
        on: {s.key for s in target_samples(folder, ProtocolSpec(test_on=on), "domain0", 0)}  # type: ignore[arg-type]
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
        tested = target_samples(data, protocol, "b", seed)
        assert not seen & {s.group for s in tested}
        assert len(tested) == 12
        assert {s.label for s in tested} == {0, 1, 2, 3}  # half of every class


def test_disjoint_groups_without_groups_is_an_error(folder: Dataset) -> None:
    with pytest.raises(UserError, match="names no groups; leave the option out"):
        sources(folder, ProtocolSpec(disjoint_groups=True), "domain0", 0)


def test_unknown_target_names_the_domains(folder: Dataset) -> None:
    with pytest.raises(UserError, match=r"'domain7' is no domain .* domain0, domain1, domain2"):
        sources(folder, ProtocolSpec(), "domain7", 0)


def test_sources_type_holds_only_samples() -> None:
    # The engine hands a `Sources` to the loop: it must not drag the data set along.
    assert set(Sources.__dataclass_fields__) == {"train", "val", "class_names"}


def test_generators_do_not_depend_on_order() -> None:
    first = generator("batch", 3, "a", 7)
    generator("batch", 3, "a", 8)
    assert first.initial_seed() == generator("batch", 3, "a", 7).initial_seed()
    assert derive("batch", 1, 23) != derive("batch", 12, 3)
    assert derive("batch", "1") != derive("batch", 1)
