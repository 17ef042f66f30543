"""What of a store is reported: filters, spellings, the row compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.protocols import Protocol
from harness.protocols.distribution_shift import DistributionShift
from harness.protocols.multi_target import MultiTarget
from harness.protocols.single_source import SingleSource
from harness.report.build import Choice, filtered, ranks_by_name, report_blocks
from harness.report.runs.frame import load_frame
from harness.specs import DatasetSpec, ModelSpec
from harness.store.records import Score
from harness.store.store import Store
from tests.report.fakes import DOMAINS, fill, keep, realistic, record, spec


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


@pytest.mark.parametrize(
    ("target", "protocol"),
    [
        ("noto", SingleSource(domains=DOMAINS)),
        ("noto+twemoji", MultiTarget()),
        ("noto+twemoji", DistributionShift(source="fluent_3d")),
    ],
)
def test_validation_is_called_by_the_run_s_target_not_by_what_it_tests(
    tmp_path: Path, target: str, protocol: Protocol
) -> None:
    store = Store(tmp_path)
    run = spec("a", target, protocol=protocol)
    names = {protocol.test_set(*cell) for cell in protocol.cells(target)} - {""}
    made = record(run, 1)
    tests = {name: Score(correct=1, n=2) for name in names}
    keep(
        store, made.model_copy(update={"metrics": made.metrics.model_copy(update={"tests": tests})})
    )
    (block,) = report_blocks(store, Choice(score="source_val", evidence=False))
    assert block.table.domains == (target,)


def test_ranks_are_over_all_targets_whatever_columns_are_shown(tmp_path: Path) -> None:
    store = realistic(tmp_path, ablation=False)
    found = []
    for columns in (None, ("noto",)):
        choice = Choice(columns=columns, rank_over="targets", evidence=False)
        found += ranks_by_name(store, choice, report_blocks(store, choice))
    assert found[0] == found[1]
    assert len(found[0][1].blocks) == 4


def test_initials_head_the_columns(tmp_path: Path) -> None:
    (block,) = report_blocks(realistic(tmp_path), Choice(initials=True))
    assert block.table.heads == ("F", "N", "O", "T")
