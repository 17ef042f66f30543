"""`data list`: sizes and uses."""

from __future__ import annotations

import json

import pytest

from harness import registry
from harness.cli.data.listing import total
from harness.cli.main import main


def test_json_has_every_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "--json"]) == 0
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(found) == set(registry.discover("datasets").plugins)
    pacs = found["PACS"]
    assert (pacs["classes"], pacs["domains"], pacs["images"]) == (7, 4, 9991)
    assert pacs["protocols"] == ["leave one domain out"]
    assert found["folder"]["images"] is None  # the user's own: nobody can know


def test_a_total_is_over_domains_and_splits() -> None:
    class Two(registry.dataset_class("folder")):  # type: ignore[misc]
        expected = {"a": {"train": 3, "test": 2}, "b": {"test": 5}}  # noqa: RUF012

    assert total(Two) == 10
    assert total(registry.dataset_class("folder")) == 0
