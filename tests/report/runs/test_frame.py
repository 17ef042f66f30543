"""A store as a frame: against the records themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.report.runs.frame import DTYPES, frame_of, load_frame
from harness.store.store import Store
from tests.report.fakes import add, plan, realistic, spec


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_the_frame_has_what_a_run_measured(tmp_path: Path) -> None:
    frame = load_frame(realistic(tmp_path))
    assert len(frame) == 7 * 4 * 3
    row = frame.iloc[0]
    assert row["label"] == "zero-shot CLIP"
    assert row["accuracy"] == pytest.approx(100 * row["correct"] / row["n"])
    assert (row["source_val"], row["zero_shot_val"]) == (75.0, 25.0)
    assert (row["step_ms"], row["wall_s"], row["peak_memory_mb"]) == (2.0, 1.0, 3.0)
    assert json.loads(frame.iloc[-1]["given"]) == {"sls": False}


def test_nothing_to_report_says_what_to_run(store: Store) -> None:
    with pytest.raises(UserError, match=r"python run_benchmark\.py quickstart"):
        load_frame(store)
    plan(store, "p", [spec("a")])
    with pytest.raises(UserError, match="no runs yet"):
        load_frame(store)
    with pytest.raises(UserError, match="unknown sweep 'q'"):
        load_frame(store, "q")


def test_columns_have_the_dtypes_of_what_they_hold(store: Store) -> None:
    runs = [spec("a", seed=seed) for seed in range(3)]
    plan(store, "p", runs)
    add(store, runs[0], 1000)
    store.fail(runs[1], "RuntimeError: no", "trace", "now")
    frame = load_frame(store)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == DTYPES
    assert frame["status"].tolist() == ["done", "failed", "missing"]
    unknown = frame[["selection", "accuracy", "correct", "trained_parameters", "device"]].isna()
    assert unknown.all(axis=1).tolist() == [False, True, True]
    assert frame["error"].isna().tolist() == [True, False, True]
    assert frame.groupby("label")["accuracy"].mean().to_dict() == {"a": 50.0}
    assert frame["correct"].sum() == 1000


def test_chosen_runs_keep_their_order_and_names(store: Store) -> None:
    add(store, spec("b"), 1000)
    store.fail(spec("c", seed=2), "E: x", "", "now")
    asked = [spec("last", seed=1), spec("mine"), spec("c", seed=2), spec("mine")]
    frame = frame_of(store, asked)
    assert frame["label"].tolist() == ["last", "mine", "c"]
    assert frame["status"].tolist() == ["missing", "done", "failed"]
    assert frame["order"].tolist() == [0, 1, 2]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == DTYPES


def test_a_run_is_called_as_its_record_or_the_sweep_asked_for_calls_it(
    store: Store,
) -> None:
    add(store, spec("old", "x"), 1000)
    add(store, spec("free", "y"), 1000)
    plan(store, "p", [spec("first", "x"), spec("gone", "z")])
    plan(store, "q", [spec("second", "x")])
    frame = load_frame(store)
    assert dict(zip(frame["label"], frame["order"], strict=True)) == {
        "old": 0,
        "gone": 1,
        "free": 2,
    }
    assert load_frame(store, "q")["label"].tolist() == ["second"]
