from __future__ import annotations

import itertools

import pytest

from harness.errors import UserError
from harness.protocols.domain_shift import DomainShift
from harness.protocols.multi_target import MultiTarget
from harness.store.records import Score
from tests.protocols.toys import Grouped


class Four(Grouped):
    def __init__(self) -> None:
        super().__init__()
        self.domains = ("a", "b", "c", "d")


def test_every_pair_or_what_is_asked_for() -> None:
    pairs = ["+".join(pair) for pair in itertools.combinations("abcd", 2)]
    assert MultiTarget().targets_of(Four(), ["all"]) == pairs
    assert MultiTarget(held_out=3).targets_of(Four(), ["all"]) == [
        "a+b+c",
        "a+b+d",
        "a+c+d",
        "b+c+d",
    ]
    assert MultiTarget().targets_of(Four(), ["c+a", "a+c", "b+c+d"]) == ["a+c", "b+c+d"]


def test_its_sources_are_split_as_where_one_domain_is_left_out() -> None:
    data = Four()
    parts = MultiTarget().sources(data, "b+c", 2)
    alone = DomainShift().sources(data, "b", 2)
    assert list(parts.train) == ["a", "d"]
    for domain in ("a", "d"):
        assert parts.train[domain] == alone.train[domain]
        assert parts.val[domain] == alone.val[domain]
    tests = MultiTarget().test_sets(data, "b+c", 2)
    assert [test.name for test in tests] == ["b of b+c", "c of b+c"]
    assert [test.samples for test in tests] == [data.samples("b"), data.samples("c")]
    few = MultiTarget(shots=3).sources(data, "b+c", 2)
    assert len(few.train["a"]) == 3 * 4


def test_each_is_scored_and_both_together() -> None:
    tests = {"a of a+b": Score(correct=9, n=10), "b of a+b": Score(correct=5, n=30)}
    protocol = MultiTarget()
    assert protocol.measured("a+b", tests) == {
        ("a of a+b", "accuracy"): 0.9,
        ("b of a+b", "accuracy"): 5 / 30,
        ("a+b", "all"): 14 / 40,
    }
    assert protocol.headline("a+b", tests) == 14 / 40
    assert list(protocol.measured("a+b", tests)) == protocol.cells("a+b")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("a", "target 'a' must be different domains joined by '\\+', as a\\+b"),
        ("a+a", "must be different domains"),
        ("a+x", "unknown domain of data set 'grouped' 'x'"),
        ("a+b+c+d", "leaves no domain of data set 'grouped' to train on"),
    ],
)
def test_what_is_no_target(target: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        MultiTarget().targets_of(Four(), [target])
    with pytest.raises(UserError, match="held_out=5, but data set 'grouped' has 4 domain"):
        MultiTarget(held_out=5).targets_of(Four(), ["all"])
