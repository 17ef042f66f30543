from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.specs import RunSpec
from harness.store.files import write_atomically
from harness.store.records import Metrics, Provenance, RunRecord, Score, SweepPlan
from harness.store.store import Store
from tests.test_specs import spec


def record(run: RunSpec, correct: int = 5) -> RunRecord:
    return RunRecord(
        id=run.id,
        spec=run,
        metrics=Metrics(
            tests={"target": Score(correct=correct, n=10)},
            source_val={"b": Score(correct=1, n=2)},
            zero_shot_val={"b": Score(correct=1, n=2)},
            selection="last",
            selected_step=3,
        ),
        provenance=Provenance(
            started="2026-01-01T00:00:00+00:00", wall_s=1.0, step_ms=2.0, peak_memory_mb=3.0,
            device="cpu", threads=1, host="h", git="", versions={}, command=[],
        ),
        dataset_fingerprint="d",
        model_fingerprint="m",
        class_names=("x", "y"),
        trained_classes=(0, 1),
        trained_parameters=1,
        total_parameters=2,
        citation="c",
        predictions_sha256="p",
    )  # fmt: skip


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    assert not store.has(run.id)
    assert store.write(record(run), b"npz")
    assert store.has(run.id)
    assert store.read(run.id) == record(run)
    assert [r.id for r in store.records()] == [run.id]


def test_files_have_the_mode_that_the_users_mask_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        Store(tmp_path).write(record(spec()), b"npz")
        write_atomically(tmp_path / "table.md", b"x")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes["record.json"] == modes["table.md"] == 0o640
    assert modes[spec().id] == 0o750


def test_the_first_of_two_writers_wins(tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    assert store.write(record(run, 5), b"first")
    assert not store.write(record(run, 6), b"second")
    assert store.read(run.id).metrics.tests["target"].correct == 5
    assert (store.run_dir(run.id) / "predictions.npz").read_bytes() == b"first"
    assert [p.name for p in (tmp_path / "runs").iterdir()] == [run.id]  # nothing left aside


def _write(root: str, correct: int) -> None:
    Store(root).write(record(spec(), correct), bytes([correct]) * 1000)


def test_many_writers_leave_one_consistent_record(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.starmap(_write, [(str(tmp_path), i) for i in range(8)])
    store = Store(tmp_path)
    kept = store.read(spec().id).metrics.tests["target"].correct
    assert (store.run_dir(spec().id) / "predictions.npz").read_bytes() == bytes([kept]) * 1000


def test_failures_count_and_vanish_with_success(tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    store.fail(run, "ValueError: x", "Traceback ...", "now")
    store.fail(run, "ValueError: y", "Traceback ...", "now")
    (failure,) = store.failures()
    assert (failure.error, failure.attempts) == ("ValueError: y", 2)
    store.write(record(run), b"")
    assert store.failure(run.id) is None
    assert not list(store.failures())


def test_plans_come_back(tmp_path: Path) -> None:
    plan = SweepPlan(name="s", source={"name": "s"}, runs=(spec(), spec(seed=1)))
    Store(tmp_path).write_plan(plan)
    assert list(Store(tmp_path).plans()) == [plan]


def test_a_torn_file_is_one_line_with_its_name(tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    store.write(record(run), b"")
    path = store.run_dir(run.id) / "record.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(UserError, match=r"record.json: cannot be read as JSON .*restore or delete"):
        list(store.records())


def test_a_newer_record_is_refused_not_misread(tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    store.write(record(run), b"")
    path = store.run_dir(run.id) / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "novelty": 1}))
    with pytest.raises(UserError, match="unknown field 'novelty'"):
        store.read(run.id)


def test_an_interrupted_write_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    write_atomically(path, b"old")

    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("harness.store.files.os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
