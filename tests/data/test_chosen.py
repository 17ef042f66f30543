"""A part of a data set is a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.data.fingerprints import content_of
from harness.dataset import Dataset
from harness.errors import UserError
from harness.protocols import PROTOCOLS, read_protocol
from harness.specs import DatasetSpec
from harness.sweep import plan
from tests.datasets import miniature


def opened(root: Path, name: str = "folder", **options: Any) -> Dataset:
    return plan.open_dataset(DatasetSpec(name=name, options=options), root)


def test_what_is_left_of_domains_and_classes(image_folder: Path) -> None:
    whole = opened(image_folder)
    part = opened(image_folder, domains=["domain2", "domain0"], classes=["red thing", "blue thing"])
    assert part.domains == ("domain0", "domain2")
    assert part.class_names == ("blue thing", "red thing")
    expected = [
        (s.key, {0: 0, 2: 1}[s.label]) for s in whole.samples("domain2") if s.label in (0, 2)
    ]
    assert [(s.key, s.label) for s in part.samples("domain2")] == expected
    assert part.classes_of("domain0") == (0, 1)
    last = part.samples("domain2")[-1]
    assert part.read(last) == whole.read(whole.samples("domain2")[-1])
    assert part.size(last) == len(part.read(last))
    assert part.where(last) == str(image_folder / last.key)


def test_a_part_has_the_whole_s_fingerprint_and_its_own_pixels(image_folder: Path) -> None:
    whole, part = opened(image_folder), opened(image_folder, classes=["red thing", "blue thing"])
    worded = opened(image_folder, class_names=["a", "b", "c"], template="a {}.")
    assert whole.fingerprint() == part.fingerprint() == worded.fingerprint()
    contents = {content_of(data, data.fingerprint()) for data in (whole, part, worded)}
    assert len(contents) == 2  # words change no picture: what is cached serves both


def test_names_are_those_of_the_part(image_folder: Path) -> None:
    part = opened(image_folder, classes=["red thing", "blue thing"], class_names=["azure", "ruby"])
    assert part.class_names == ("azure", "ruby")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"domains": ["domain9"]}, "unknown domain of data set 'folder' 'domain9'"),
        ({"classes": ["red thing", "rad thing"]}, "unknown class of data set 'folder' 'rad thing'"),
        ({"classes": ["red thing"]}, "option classes leaves 1; name two or more"),
    ],
)
def test_what_it_does_not_have(image_folder: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        opened(image_folder, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_every_protocol_splits_a_part_like_a_data_set_of_its_own(
    tmp_path: Path, protocol: str
) -> None:
    if protocol == "cross_dataset":
        return
    miniature.make("PACS", tmp_path, per_class=10)
    classes = ["dog", "guitar", "horse", "person"]
    part = opened(tmp_path, "PACS", domains=["photo", "sketch", "cartoon"], classes=classes)
    source = {"source": "photo"} if protocol == "distribution_shift" else {}
    asked = read_protocol({"name": protocol, "shots": 2, **source})
    for target in asked.targets_of(part, ["all"]):
        sources = asked.sources(part, target, 0)
        seen = [s for own in sources.train.values() for s in own]
        assert {s.domain for s in seen} <= set(part.domains)
        assert set(sources.class_names) <= set(classes)
        assert {sources.class_names[s.label].replace(" ", "_") for s in seen} == {
            s.key.split("/")[-2] for s in seen
        }
        assert all(test.samples for test in asked.test_sets(part, target, 0))


def test_a_part_without_the_files(tmp_path: Path) -> None:
    spec = DatasetSpec(name="PACS", options={"domains": ["photo", "sketch"]})
    assert plan.outline(spec, None).domains == ("photo", "sketch")
    with pytest.raises(UserError, match="needs --data-root"):
        plan.outline(DatasetSpec(name="PACS", options={"classes": ["dog", "horse"]}), None)
