"""What of a store is reported: filters, spellings, the row compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.report.build import Choice, filtered, report_blocks
from harness.report.runs.frame import load_frame
from harness.specs import DatasetSpec, ModelSpec
from harness.store.store import Store
from tests.report.fakes import fill, realistic


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    scores = {"clipood": {"x": (1000, 1010)}, "b": {"x": (1100, 1120)}}
    for name, pretrained in (("ViT-B-16", "openai"), ("ViT-B-16", "laion"), ("ViT-B-16x", "")):
        fill(store, scores, model=ModelSpec(name=name, pretrained=pretrained))
    fill(store, scores, dataset=DatasetSpec(name="PACS"))
    return store


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("ViT-B-16", {"ViT-B-16/openai", "ViT-B-16/laion"}),
        ("ViT-B/16", {"ViT-B-16/openai", "ViT-B-16/laion"}),
        ("ViT-B/16/laion", {"ViT-B-16/laion"}),
        ("ViT-B-16x", {"ViT-B-16x"}),
        (None, {"ViT-B-16/openai", "ViT-B-16/laion", "ViT-B-16x", "tiny-emoji"}),
    ],
)
def test_a_backbone_is_chosen_with_or_without_its_weights(
    store: Store, model: str | None, names: set[str]
) -> None:
    assert set(filtered(load_frame(store), model, None)["model"]) == names


def test_a_block_for_each_backbone_and_data_set(store: Store) -> None:
    assert len(report_blocks(store, Choice())) == 4
    (block,) = report_blocks(store, Choice(dataset="PACS"))
    assert block.table.key["dataset"] == "PACS"
    assert set(block.frame["dataset"]) == {"PACS"}


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"model": "RN50"}, "unknown model 'RN50'"),
        ({"dataset": "PAC"}, "unknown data set 'PAC': did you mean PACS"),
        ({"spread": "sdt"}, "unknown spread 'sdt': did you mean std"),
        ({"against": "clipod"}, "unknown row 'clipod': did you mean clipood"),
        ({"model": "ViT-B-16", "dataset": "PACS"}, "unknown data set 'PACS'"),
    ],
)
def test_what_is_not_there_is_refused(store: Store, choice: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        report_blocks(store, Choice(**choice))


def test_validation_scores_are_one_number_a_run(tmp_path: Path) -> None:
    (block,) = report_blocks(realistic(tmp_path), Choice(score="source_val", evidence=False))
    assert block.evidence is None
    assert block.beyond is None
    assert {cell.mean for row in block.table.rows for cell in row.cells} == {75.0}
    assert block.table.score == "source_val"


def test_initials_head_the_columns(tmp_path: Path) -> None:
    (block,) = report_blocks(realistic(tmp_path), Choice(initials=True))
    assert block.table.heads == ("F", "N", "O", "T")
