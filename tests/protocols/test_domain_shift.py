from __future__ import annotations

import pytest

from harness.dataset import Dataset
from harness.errors import UserError
from harness.protocols.domain_shift import DomainShift
from tests.protocols.toys import Grouped, one


def test_sources_partition_the_source_domains_and_hold_nothing_of_the_target(
    folder: Dataset,
) -> None:
    parts = DomainShift().sources(folder, "domain1", 0)
    assert list(parts.train) == list(parts.val) == ["domain0", "domain2"]
    for domain in parts.train:
        both = parts.train[domain] + parts.val[domain]
        assert sorted(s.key for s in both) == sorted(s.key for s in folder.samples(domain))
        assert len(parts.val[domain]) == 6
        assert all(s.domain == domain for s in both)


def test_test_on_all_in_out(folder: Dataset) -> None:
    parts = {
        on: {s.key for s in one(DomainShift(test_on=on).test_sets(folder, "domain0", 0))}  # type: ignore[arg-type]
        for on in ("all", "in", "out")
    }
    assert parts["in"] | parts["out"] == parts["all"]
    assert not parts["in"] & parts["out"]
    assert (len(parts["all"]), len(parts["out"])) == (30, 6)


def test_disjoint_groups_share_no_thing_between_training_and_test() -> None:
    data, protocol = Grouped(), DomainShift(disjoint_groups=True)
    for seed in range(5):
        parts = protocol.sources(data, "b", seed)
        seen = {s.group for v in (*parts.train.values(), *parts.val.values()) for s in v}
        found = one(protocol.test_sets(data, "b", seed))
        assert not seen & {s.group for s in found}
        assert len(found) == 12
        assert {s.label for s in found} == {0, 1, 2, 3}  # half of every class


def test_disjoint_groups_without_groups_is_an_error(folder: Dataset) -> None:
    with pytest.raises(UserError, match="names no groups; leave the option out"):
        DomainShift(disjoint_groups=True).sources(folder, "domain0", 0)


def test_unknown_target_names_the_domains(folder: Dataset) -> None:
    with pytest.raises(UserError, match=r"'domain7' is no domain .* domain0, domain1, domain2"):
        DomainShift().sources(folder, "domain7", 0)
