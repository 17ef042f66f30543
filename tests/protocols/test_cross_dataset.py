from __future__ import annotations

import pytest

from harness.dataset import DatasetSpec
from harness.errors import UserError
from harness.protocols import read_protocol
from harness.protocols.cross_dataset import CrossDataset
from harness.store.records import Score
from tests.protocols.toys import Grouped, Official


def test_all_classes_train_and_the_others_are_scored_over_their_own() -> None:
    own, other = Official(), Grouped()
    protocol = CrossDataset(tests=(DatasetSpec(name="grouped"),), shots=3).completed(own)
    assert protocol.source == "official"
    assert protocol.targets_of(own, ["all"]) == ["grouped"]
    parts = protocol.sources(own, "grouped", 0)
    assert parts.class_names == own.class_names
    assert [sum(s.label == c for s in parts.train["official"]) for c in range(7)] == [3] * 7
    found = {t.name: t for t in protocol.test_sets(own, "grouped", 0, {"grouped": other})}
    assert list(found) == ["grouped", "official"]
    assert found["grouped"].samples == tuple(s for d in "abc" for s in other.samples(d))
    assert found["grouped"].class_names == other.class_names
    assert (found["grouped"].data, found["grouped"].prompts) == ("grouped", other.template)
    assert (found["official"].data, found["official"].prompts) == ("", None)
    assert [s.split for s in found["official"].samples] == ["test"] * len(found["official"].samples)
    with pytest.raises(UserError, match="tests images of other data sets"):
        protocol.test_sets(own, "grouped", 0)


def test_its_cells_are_the_data_sets_and_the_one_that_trained() -> None:
    protocol = CrossDataset(tests=("x", "y"), source="z")  # type: ignore[arg-type]
    tests = {name: Score(correct=n, n=10) for n, name in enumerate("xyz", 4)}
    assert protocol.measured("x+y", tests) == {
        ("x", "accuracy"): 0.4,
        ("y", "accuracy"): 0.5,
        ("z", "source"): 0.6,
    }
    assert protocol.headline("x+y", tests) == pytest.approx(0.45)


def test_some_of_its_data_sets() -> None:
    protocol = CrossDataset(tests=("x", "y", "w"), source="official")  # type: ignore[arg-type]
    assert protocol.targets_of(Official(), ["w", "x"]) == ["x+w"]
    assert [data.name for data in protocol.other_data("x+w")] == ["x", "w"]
    assert protocol.targets_of(Official(), ["w+x"]) == ["x+w"]  # as a plan or a search gives it


@pytest.mark.parametrize(
    ("values", "target", "message"),
    [
        ({}, "all", "give the data sets to test on, as cross_dataset"),
        ({"tests": ["x"], "source": "a"}, "all", "source 'a' is not the data set that trains"),
        ({"tests": ["official"]}, "all", "'official' is what trains; its own test images are"),
        ({"tests": ["xanadu"]}, "xanad", "unknown data set among .* did you mean xanadu"),
        ({"tests": ["x", "x"]}, "all", "data set 'x' is given twice"),
    ],
)
def test_what_is_refused(values: dict[str, object], target: str, message: str) -> None:
    def planned() -> list[str]:
        protocol = read_protocol({"name": "cross_dataset", **values})
        return protocol.completed(Official()).targets_of(Official(), [target])

    with pytest.raises(UserError, match=message):
        planned()
