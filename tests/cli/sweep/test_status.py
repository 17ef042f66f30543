"""`sweep status`: for people and for scripts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.console.output import table_console
from harness.execution.slurm.ledger import Ledger, TaskState
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.execution.slurm.fakes import command, spec, submitted
from tests.store.made import record


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
    assert "\nlost: finetune · emoji/noto · seed 1 (" in said  # beneath the table, in a line
    head = said.splitlines()[1].split()
    assert head == ["method", "data", "set", "domain", "running", "lost", "elapsed", "left"]


def test_json_has_every_run(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "status", "--store", str(store), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [(run["state"], run["seed"]) for run in found] == [("running", 0), ("lost", 1)]
    assert found[0]["node"] == "n1"
    assert (found[0]["job"], found[0]["step"], found[0]["steps"]) == ("0_0", 4, 10)


def test_a_reason_is_not_squeezed_where_the_terminal_is_narrow(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("harness.cli.sweep.status.table_console", lambda: table_console(60))
    row = "0|0|0|PENDING|Resources_that_are_not_there_yet|0:00|1:00||comment"
    command(store / "bin", "squeue", f"echo '{row}'", monkeypatch)
    assert main(["sweep", "status", "s", "--store", str(store)]) == 1
    said = capsys.readouterr().out
    assert "\nqueued: Resources_that_are_not_there_yet (1)\n" in said
    assert max(map(len, said.splitlines())) <= 60


def test_json_says_where_and_how_long_of_what_is_done(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (planned,) = Store(store).plans()
    for run, host in zip(planned.runs, ("n7 (Slurm job 12)", "desk"), strict=True):
        made = record(run)
        ran = made.provenance.model_copy(update={"host": host, "wall_s": 7.5})
        Store(store).write(made.model_copy(update={"provenance": ran}), b"")
    assert main(["sweep", "status", "--store", str(store), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(r["job"], r["node"], r["elapsed_s"]) for r in found] == [
        ("0_0", "n7", 7.5), ("", "desk", 7.5),
    ]  # fmt: skip


def test_watching_into_a_pipe_says_every_change_once_and_ends(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = store / "looks"
    rows = "\n".join(
        f"{n}) echo '0|0|0|{state}|None|0:05|1:00|n1|comment';;"
        for n, state in ((0, "PENDING"), (1, "PENDING"), (2, "RUNNING"), (3, "CANCELLED"))
    )
    script = f"read -r n < {looks}; echo $((n + 1)) > {looks}; case $n in\n{rows}\nesac"
    looks.write_text("0\n")
    command(store / "bin", "squeue", script, monkeypatch)
    assert main(["sweep", "status", "--store", str(store), "--watch", "0.01"]) == 1
    lines = [line.partition(" ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["1 queued, 1 lost", "1 running, 1 lost", "2 lost"]


def test_a_store_of_several_sweeps_has_a_row_for_each(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (spec("finetune", 7),)
    Store(store).write_plan(SweepPlan(name="other", source={}, runs=more))
    assert main(["sweep", "status", "--store", str(store)]) == 1
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["sweep", "runs", "running", "lost", "missing"] in rows
    assert ["other", "1", "·", "·", "1"] in rows
    assert ["s", "2", "1", "1", "·"] in rows
    assert main(["sweep", "status", "--store", str(store), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [run["sweep"] for run in found] == ["other", "s", "s"]


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
def test_seconds_to_wait_are_a_number_from_zero(
    seconds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "status", "--store", str(tmp_path), f"--watch={seconds}"]) == 2
    assert "argument --watch" in capsys.readouterr().err
