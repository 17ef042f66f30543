from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.specs import DatasetSpec
from harness.sweep.plan import open_dataset
from tests.datasets.miniature import DOMAINBED, NAMES, make


def test_every_data_set_that_has_to_be_downloaded_has_a_miniature() -> None:
    known = registry.discover("datasets").plugins
    complete = {name for name, cls in known.items() if cls.expected}  # type: ignore[attr-defined]
    assert complete - {"emoji"} == {*NAMES, "ImageNetShift"}


@pytest.mark.parametrize("name", DOMAINBED[:-1])  # DomainNet's 345 classes take seconds
def test_domainbeds_miniatures_open(tmp_path: Path, name: str) -> None:
    data = open_dataset(DatasetSpec(name=name), make(name, tmp_path, per_class=1))
    assert data.domains == tuple(sorted(data.expected))
    for domain in data.domains:
        assert [s.label for s in data.samples(domain)] == list(range(len(data.class_names)))
        assert data.read(data.samples(domain)[0])[:2] == b"\xff\xd8"
