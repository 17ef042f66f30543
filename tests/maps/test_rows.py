"""Which finished runs are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.maps.rows import Which, map_blocks
from harness.protocols.cross_dataset import CrossDataset
from harness.specs import DatasetSpec
from harness.store.records import Score
from harness.store.store import Store
from tests.report.fakes import DOMAINS, add, keep, realistic, record, spec


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(Store, "has_weights", lambda self, run_id: True)
    return realistic(tmp_path)


def test_a_row_has_its_runs_of_all_targets_and_seeds(store: Store) -> None:
    (block,) = map_blocks(store, Which())
    assert (block.name, block.targets) == ("", DOMAINS)
    assert len(block.rows) == 7
    row = next(row for row in block.rows if row.label == "CLIPood")
    assert {(run.target, run.seed) for run in row.runs} == {
        (d, s) for d in DOMAINS for s in (0, 1, 2)
    }
    assert {run.method for run in row.runs} == {"clipood"}


def test_rows_are_chosen_by_label_or_call_and_targets_by_name(store: Store) -> None:
    asked = Which(target="noto", rows=("CoOp", "alignclip[aal=False]"))
    (block,) = map_blocks(store, asked)
    assert {row.label for row in block.rows} == {"CoOp", "alignclip[aal=false]"}
    assert block.targets == ("noto",)
    assert len(block.frame) == 6


def test_failed_runs_are_no_rows(store: Store) -> None:
    store.fail(spec("bad", "noto", 0, method="bad"), "E: no", "", "now")
    (block,) = map_blocks(store, Which())
    assert "bad" not in [row.label for row in block.rows]


def test_blocks_that_share_no_table_are_apart(store: Store) -> None:
    add(store, spec("a", "x", 0, method="a", dataset=DatasetSpec(name="PACS")), 1)
    blocks = map_blocks(store, Which())
    assert [len(block.rows) for block in blocks] == [7, 1]
    assert all(block.name for block in blocks)


@pytest.mark.parametrize(
    ("which", "said"),
    [
        (Which(target="notto"), "unknown target 'notto': did you mean noto"),
        (Which(rows=("CLIPod",)), "unknown row 'CLIPod': did you mean CLIPood"),
    ],
)
def test_a_wrong_name_is_said(store: Store, which: Which, said: str) -> None:
    with pytest.raises(UserError, match=said):
        map_blocks(store, which)


def test_runs_on_other_data_sets_have_no_maps(store: Store) -> None:
    protocol = CrossDataset(tests=("PACS",), source="emoji")  # type: ignore[arg-type]
    run = spec("away", "PACS", protocol=protocol)
    tests = {"PACS": Score(correct=1, n=2), "emoji": Score(correct=1, n=2)}
    made = record(run, 1)
    keep(store, made.model_copy(
        update={"metrics": made.metrics.model_copy(update={"tests": tests})}
    ))  # fmt: skip
    with pytest.raises(UserError, match=r"away .* was tested on other data sets"):
        map_blocks(store, Which())
    assert len(map_blocks(store, Which(rows=("CoOp",)))) == 1


def test_runs_without_weights_are_counted(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"72 run\(s\) kept no weights, e\.g\. .*--keep-weights"):
        map_blocks(realistic(tmp_path), Which())
