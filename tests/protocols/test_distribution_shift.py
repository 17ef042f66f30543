from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.protocols.distribution_shift import DistributionShift
from harness.store.records import Score
from tests.protocols.toys import Shifted


def test_distribution_shift_trains_on_one_domain_and_scores_subsets_over_their_names() -> None:
    data = Shifted()
    protocol = DistributionShift(source="a", shots=3)
    assert protocol.targets_of(data, ["all"]) == ["b+c"]
    assert protocol.targets_of(data, ["c"]) == ["c"]
    assert protocol.targets_of(data, ["c+b"]) == protocol.targets_of(data, ["c", "b"]) == ["b+c"]
    parts = protocol.sources(data, "b+c", 0)
    assert list(parts.train) == ["a"]
    assert [sum(s.label == c for s in parts.train["a"]) for c in range(4)] == [3, 3, 3, 3]
    found = {part.name: part for part in protocol.test_sets(data, "b+c", 0)}
    assert list(found) == ["b", "c", "a"]
    assert found["c"].class_names == ("x", "z")
    assert {s.label for s in found["c"].samples} == {0, 1}
    assert len(found["b"].samples) == 24
    used = {s.key for part in (parts.train, parts.val) for s in part["a"]}
    assert not used & {s.key for s in found["a"].samples}
    with pytest.raises(UserError, match="'a' is the source domain; test on the others"):
        protocol.targets_of(data, ["a", "b"])
    with pytest.raises(UserError, match="unknown domain of data set 'shifted' 'd'"):
        protocol.targets_of(data, ["d"])


def test_its_measures_are_a_cell_for_each_domain() -> None:
    protocol = DistributionShift(source="a")
    tests = {
        "a": Score(correct=9, n=10),
        "b": Score(correct=5, n=10),
        "c": Score(correct=6, n=30),
    }
    measured = protocol.measured("b+c", tests)
    assert list(measured) == [("b", "accuracy"), ("c", "accuracy"), ("a", "source")]
    assert list(measured.values()) == [0.5, 0.2, 0.9]
    assert protocol.headline("b+c", tests) == pytest.approx(0.35)  # the source is not in it


def test_the_source_is_the_data_set_s_own_choice_unless_given() -> None:
    data = Shifted()
    with pytest.raises(UserError, match="has no agreed source domain; set 'source' to one of a, b"):
        DistributionShift().completed(data)
    data.source_domain = "b"  # type: ignore[misc]
    assert DistributionShift().completed(data).source == "b"
    assert DistributionShift(source="c").completed(data).source == "c"
