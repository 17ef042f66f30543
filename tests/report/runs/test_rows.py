"""What a row says of a record, of a failure, of a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.protocols import read_protocol
from harness.protocols.distribution_shift import DistributionShift
from harness.report.runs.frame import load_frame
from harness.report.runs.rows import asked, finished
from harness.report.tables.aggregate import summarise
from harness.specs import ModelSpec, RunSpec
from harness.store.records import RunRecord, Score
from harness.store.store import Store
from tests.report.fakes import add, record, spec


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_record_without_test_images_is_a_failure(store: Store) -> None:
    add(store, spec("a", seed=0), 0, n=0)
    add(store, spec("a", seed=1), 1000)
    cell = summarise(load_frame(store)).rows[0].cells[0]
    assert (cell.n, cell.n_failed) == (1, 1)


def test_where_a_local_model_lies_is_not_in_the_table(store: Store) -> None:
    model = ModelSpec(name="local-dir:/home/me/clip", fingerprint="ab")
    add(store, spec("a", model=model), 1)
    assert load_frame(store)["model"][0] == "clip"


def test_a_harmonic_mean_carries_the_two_accuracies_it_is_of() -> None:
    run = spec("a", protocol=read_protocol("open_class"))
    rows = {row.measure: row for row in finished(scored(run, base=80, new=20), "")}
    assert list(rows) == ["base", "new", "H"]
    assert (rows["H"].accuracy, rows["H"].base, rows["H"].new) == (pytest.approx(32), 80, 20)
    assert (rows["base"].base, rows["base"].new, rows["base"].correct) == (None, None, 80)
    assert (rows["H"].correct, rows["H"].n) == (None, 200)


def test_a_shifted_run_has_a_row_for_each_domain_and_one_for_its_own() -> None:
    run = spec("a", "r+s", protocol=DistributionShift(source="i"))
    rows = finished(scored(run, r=40, s=60, i=90), "")
    assert [(row.target, row.measure, row.accuracy) for row in rows] == [
        ("r", "accuracy", 40),
        ("s", "accuracy", 60),
        ("i", "source", 90),
    ]


def test_a_target_with_odd_spaces_is_one_line_and_still_scored() -> None:
    run = spec("a", "oil  painting", config={"b": 1, "a": (1, 2)})
    (row,) = finished(record(run, 1000), "")
    assert (row.target, row.accuracy) == ("oil painting", 50.0)
    assert row.config == '{"b": 1, "a": [1, 2]}'


def test_what_only_a_finished_run_knows_is_none() -> None:
    (row,) = asked("id", spec("a", model=ModelSpec(name="ViT-B-16", pretrained="x")), "missing")
    assert (row.id, row.status, row.model) == ("id", "missing", "ViT-B-16/x")
    assert (row.accuracy, row.selection, row.tests, row.error) == (None, None, None, None)


def scored(run: RunSpec, **correct: int) -> RunRecord:
    made = record(run, 1)
    tests = {name: Score(correct=c, n=100) for name, c in correct.items()}
    return made.model_copy(update={"metrics": made.metrics.model_copy(update={"tests": tests})})
