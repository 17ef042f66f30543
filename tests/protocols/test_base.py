from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest

from harness.dataset import Dataset
from harness.errors import UserError
from harness.protocols import PROTOCOLS, Protocol, read_protocol
from harness.protocols.domain_shift import DomainShift
from harness.protocols.measures import MEANING
from harness.protocols.splits import Parts, Samples
from harness.specs import RunSpec


def test_every_file_of_the_package_that_is_a_protocol_is_found_by_its_name() -> None:
    assert set(PROTOCOLS) == {
        "corruptions",
        "cross_dataset",
        "distribution_shift",
        "domain_and_class",
        "domain_shift",
        "few_shot",
        "multi_target",
        "open_class",
        "single_source",
        "trial",
    }
    for name, cls in PROTOCOLS.items():
        assert read_protocol(name).name == name
        assert cls.headline_measure in cls.measures
        assert set(cls.measures) <= set(MEANING)
        assert {m for measures in cls.published.values() for m in measures} <= set(cls.measures)


def test_the_original_preset_names_the_authors_choices() -> None:
    def original(name: str, **more: object) -> Protocol:
        return read_protocol({"name": name, "preset": "original", **more})

    for name in PROTOCOLS:
        spec = original(name)
        assert spec.fixed_splits
        assert spec.test_resize == "authors"
        assert read_protocol(spec.model_dump()) == spec
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
        ({"name": "few_shot", "shots": True}, "here: 'shots' is True: give a number"),
        ({"name": "corruptions", "severities": [True]}, r"'severities' is \[True\]: give a number"),
        ({"name": "open_clas"}, "unknown here 'open_clas': did you mean open_class"),
    ],
)
def test_a_protocol_that_makes_no_sense_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_protocol(values, "here")


BASE = {
    "method": "m",
    "config": {},
    "model": {"name": "tiny-emoji"},
    "dataset": {"name": "emoji"},
    "target": "a",
    "seed": 0,
    "data_seed": 0,
}


def test_a_spec_s_protocol_is_read_by_its_name_and_written_whole() -> None:
    for name, cls in PROTOCOLS.items():
        spec = RunSpec.model_validate({**BASE, "protocol": {"name": name}})
        assert type(spec.protocol) is cls
        assert RunSpec.model_validate_json(spec.model_dump_json()) == spec
    assert RunSpec.model_validate({**BASE, "protocol": {}}).protocol == DomainShift()


class NewProtocol(Protocol):
    """What a file of one's own adds: a protocol with an option that no other has."""

    name: Literal["new_one"] = "new_one"
    title = "a new one"
    measures = ("accuracy",)
    headline_measure = "accuracy"
    published = {}  # noqa: RUF012 (declared ClassVar in the base)
    strength: int = 1

    def check(self, dataset: Dataset, target: str) -> None:
        """Refuse nothing."""

    def parts(self, dataset: Dataset, domain: str, data_seed: int) -> Parts:
        samples = dataset.samples(domain)
        return Parts(samples[::2], samples[1::2])

    def tested(
        self, dataset: Dataset, target: str, data_seed: int
    ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
        return {"accuracy": (dataset.samples(target), tuple(range(len(dataset.class_names))))}


def test_an_option_of_one_protocol_changes_no_other_s_identity(folder: Dataset) -> None:
    assert "strength" not in DomainShift().model_dump()
    assert NewProtocol(strength=2).model_dump() == {
        **DomainShift().model_dump(exclude={"left_out"}),  # domain_shift's own
        "name": "new_one",
        "strength": 2,
    }
    sources = NewProtocol().sources(folder, "domain0", 0)
    assert list(sources.train) == ["domain1", "domain2"]
    (tested,) = NewProtocol().test_sets(folder, "domain0", 0)
    assert len(tested.samples) == len(folder.samples("domain0"))


def test_an_empty_test_set_is_named(folder: Dataset) -> None:
    class Empty(NewProtocol):
        def tested(
            self, dataset: Dataset, target: str, data_seed: int
        ) -> Mapping[str, tuple[Samples, tuple[int, ...]]]:
            return {"accuracy": ((), (0,))}

    with pytest.raises(UserError, match="no image to test 'accuracy' on for target 'domain0'"):
        Empty().test_sets(folder, "domain0", 0)
