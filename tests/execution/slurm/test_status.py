"""What is said of jobs when Slurm answers, late or not at all."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.execution.slurm.cluster import Resources
from harness.execution.slurm.ledger import Ledger, TaskState, state_of_seat
from harness.execution.slurm.status import statuses
from harness.store.store import Store
from tests.execution.slurm.fakes import command, submitted


def test_status_waits_for_a_silent_scheduler_once_and_not_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = submitted(tmp_path, arrays=20)
    command(tmp_path / "bin", "squeue", "exec /bin/sleep 60", monkeypatch)
    began = time.monotonic()
    found = statuses(Store(tmp_path), runs, patience=1.0)
    assert time.monotonic() - began < 10  # not 20 times a second, and not 60 s
    assert {s.state for s in found} == {"unknown"}
    assert {s.reason for s in found} == {"squeue did not answer in time"}


def test_silent_accounting_is_not_taken_for_a_silent_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = submitted(tmp_path, arrays=10)
    # Of every array the scheduler knows the first job and has forgotten the second.
    row = 'echo "1|$8|0|PENDING|Priority|0:00|1:00||comment"'
    command(tmp_path / "bin", "squeue", row, monkeypatch)
    command(tmp_path / "bin", "sacct", "exec /bin/sleep 60", monkeypatch)
    began = time.monotonic()
    found = statuses(Store(tmp_path), runs, patience=2.0)
    assert time.monotonic() - began < 15
    assert [s.state for s in found] == ["queued", "lost"] * 10
    assert {s.reason for s in found[1::2]} == {"Slurm no longer knows its job"}


@pytest.mark.parametrize(
    ("elapsed", "reason"), [("0:05", ""), ("10:00", "silent for 2 min"), ("1-00:00:00", "silent")]
)
def test_a_job_that_has_just_been_requeued_is_not_called_silent(
    elapsed: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = submitted(tmp_path, arrays=1)[0]
    said = TaskState(job="0_0", node="n1", run=run.id, step=4, steps=10, updated=time.time() - 3600)
    file = Ledger(tmp_path).state_file("s", "a0", 0)
    file.parent.mkdir(parents=True)
    file.write_text(said.model_dump_json())
    row = f"0|0|0|RUNNING|None|{elapsed}|1:00|n1|comment"
    command(tmp_path / "bin", "squeue", f"echo '{row}'", monkeypatch)
    (found,) = statuses(Store(tmp_path), [run])
    assert found.state == "running"
    assert found.reason.startswith(reason)
    assert bool(found.reason) == bool(reason)


def test_a_run_of_any_worker_of_a_job_is_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = submitted(tmp_path, arrays=1, resources=Resources(gpus_per_node="a100:3"))[0]
    said = TaskState(job="0_0", node="n1", run=run.id, step=4, steps=10, updated=time.time())
    file = state_of_seat(Ledger(tmp_path).state_file("s", "a0", 0), 2)
    file.parent.mkdir(parents=True)
    file.write_text(said.model_dump_json())
    command(tmp_path / "bin", "squeue", "echo '0|0|0|RUNNING|None|0:05|1:00|n1|c'", monkeypatch)
    (found,) = statuses(Store(tmp_path), [run])
    assert (found.state, found.step) == ("running", 4)
