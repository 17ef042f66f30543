from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.store.made import record
from tests.test_specs import spec


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    assert not store.has(run.id)
    assert store.write(record(run), b"npz")
    assert store.has(run.id)
    assert store.read(run.id) == record(run)
    assert [r.id for r in store.records()] == [run.id]


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


@pytest.mark.parametrize("kind", ["pipe", "link to nowhere"])
def test_what_is_no_file_is_neither_waited_for_nor_read(kind: str, tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    store.write(record(run), b"npz")
    store.write_plan(SweepPlan(name="mine", source={}, runs=(run,)))
    for path in (tmp_path / "sweeps" / "mine.json", store.run_dir(run.id) / "predictions.npz"):
        path.unlink()
        os.mkfifo(path) if kind == "pipe" else path.symlink_to("nowhere")
    with pytest.raises(UserError, match=r"mine.json: no file; restore or delete it"):
        list(store.plans())
    with pytest.raises(FileNotFoundError):
        store.predictions(run.id)


def test_a_run_whose_record_was_deleted_can_be_run_again(tmp_path: Path) -> None:
    store, run = Store(tmp_path), spec()
    store.write(record(run, 5), b"first")
    path = store.run_dir(run.id) / "record.json"
    path.write_text('{"trunc')
    with pytest.raises(UserError, match="restore or delete it"):
        store.read(run.id)
    path.unlink()  # as told
    assert store.write(record(run, 6), b"second")
    assert store.read(run.id).metrics.tests["target"].correct == 6
    (kept,) = (tmp_path / "replaced").iterdir()
    assert (kept / "predictions.npz").read_bytes() == b"first"
