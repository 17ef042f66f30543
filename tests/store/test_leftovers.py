"""What killed processes leave behind is swept; what will be continued is not."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.execution.worker import claimed
from harness.store.leftovers import AGE_SECONDS, leftovers, sweep
from harness.store.store import Store
from tests.report.fakes import add, spec

HEX = "0123456789abcdef" * 2


def age(path: Path, seconds: float) -> None:
    for inside in (*path.rglob("*"), path):
        os.utime(inside, (time.time() - seconds,) * 2)


def test_half_written_files_go_when_they_are_old(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / f".0123456789abcdef.{HEX}"
    folder.mkdir(parents=True)
    (folder / "predictions.npz").write_bytes(b"half")
    files = [
        tmp_path / "features" / f".x.npy.{HEX}",
        tmp_path / "sweeps" / f".plan.json.{HEX}",
        tmp_path / "work" / "unfinished" / f".checkpoint.pt.{HEX}",
    ]
    kept = [
        tmp_path / "features" / "x.npy",
        tmp_path / "work" / "unfinished" / "checkpoint.pt",
        tmp_path / "runs" / ".hidden",
    ]
    for file in (*files, *kept):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    assert leftovers(tmp_path) == []  # somebody may be writing them
    for path in (folder, *files, *kept):
        age(path, AGE_SECONDS + 60)
    (folder / "predictions.npz").touch()
    assert set(leftovers(tmp_path)) == set(files)
    age(folder, AGE_SECONDS + 60)
    assert sweep(tmp_path) == 4
    assert not any(path.exists() for path in (folder, *files))
    assert all(path.is_file() for path in kept)
    assert sweep(tmp_path, tmp_path / "nowhere") == 0


def test_work_of_a_run_that_is_done_goes_unless_a_process_holds_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, spec("done"), 1000)
    done, unfinished = (store.work_dir(spec(name, seed=s).id) for name, s in (("done", 0), ("", 1)))
    for folder in (done, unfinished):
        folder.mkdir(parents=True)
        (folder / "checkpoint.pt").write_bytes(b"x")
    with claimed(done) as mine:
        assert mine
        assert leftovers(tmp_path) == []
    assert sweep(tmp_path) == 1
    assert not done.exists()
    assert unfinished.is_dir()


def test_doctor_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIP_BENCH_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "cache" / "features" / f".x.npy.{HEX}"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 2**20)
    age(file, AGE_SECONDS + 60)
    assert main(["doctor", "--store", str(tmp_path / "store")]) == 0
    said = capsys.readouterr().out
    assert "leftovers: 1 of killed processes, 1.0 MiB, deleted by the next run: " in said
    assert str(file) in said
