from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.protocols.domain_shift import DomainShift
from harness.protocols.single_source import SingleSource
from harness.store.records import Score
from tests.protocols.toys import Grouped


def test_one_domain_trains_and_every_other_is_tested() -> None:
    data = Grouped()
    protocol = SingleSource().completed(data)
    assert protocol.targets_of(data, ["all"]) == ["a", "b", "c"]
    parts = protocol.sources(data, "b", 1)
    expected = DomainShift().sources(data, "a", 1)
    assert parts.train == {"b": expected.train["b"]}
    assert parts.val == {"b": expected.val["b"]}
    tests = protocol.test_sets(data, "b", 1)
    assert {test.name: test.samples for test in tests} == {
        "b to a": data.samples("a"),
        "b to c": data.samples("c"),
    }
    scores = {"b to a": Score(correct=1, n=2), "b to c": Score(correct=1, n=4)}
    assert protocol.measured("b", scores) == {
        ("b to a", "accuracy"): 0.5,
        ("b to c", "accuracy"): 0.25,
    }
    assert protocol.headline("b", scores) == pytest.approx(0.375)


def test_some_domains_alone_are_tested() -> None:
    data = Grouped()
    protocol = SingleSource(domains=("c", "a")).completed(data)
    assert protocol.cells("b") == [("b to a", "accuracy"), ("b to c", "accuracy")]
    assert [test.name for test in protocol.test_sets(data, "a", 0)] == ["a to c"]
    with pytest.raises(UserError, match="unknown domain of data set 'grouped' 'z'"):
        SingleSource(domains=("z",)).completed(data)


def test_a_data_set_of_one_domain() -> None:
    data = Grouped()
    data.domains = ("a",)
    with pytest.raises(UserError, match="has one domain"):
        SingleSource().completed(data).targets_of(data, ["all"])
