"""`sweep status`: for people and for scripts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.execution.slurm.ledger import Ledger, TaskState
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.execution.slurm.fakes import command, submitted


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a store of two jobs: one runs, one Slurm has forgotten."""
    runs = submitted(tmp_path, arrays=1)
    Store(tmp_path).write_plan(SweepPlan(name="s", source={}, runs=tuple(runs)))
    said = TaskState(job="0_0", node="n1", run=runs[0].id, step=4, steps=10, updated=time.time())
    file = Ledger(tmp_path).state_file("s", "a0", 0)
    file.parent.mkdir(parents=True)
    file.write_text(said.model_dump_json())
    row = "0|0|0|RUNNING|None|0:05|1:00|n1|comment"
    command(tmp_path / "bin", "squeue", f"echo '{row}'", monkeypatch)
    return tmp_path


def test_a_table_with_what_to_do_next(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "status", "s", "--store", str(store)]) == 1  # one is lost
    said = capsys.readouterr().out
    assert "s: 2 runs" in said
    assert "1 running" in said
    assert "1 lost" in said
    assert "sweep retry submits them again" in said


def test_json_has_every_run(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "status", "--store", str(store), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [(run["state"], run["seed"]) for run in found] == [("running", 0), ("lost", 1)]
    assert found[0]["node"] == "n1"
    assert (found[0]["job"], found[0]["step"], found[0]["steps"]) == ("0_0", 4, 10)
