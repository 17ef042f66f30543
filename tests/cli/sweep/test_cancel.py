"""`sweep cancel`: what is asked of Slurm, and what is noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.execution.slurm.ledger import Ledger
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.execution.slurm.fakes import command, submitted


@pytest.mark.parametrize(
    ("planned", "asked"), [(2, "0"), (1, "0_0")], ids=["a whole array", "a part of one"]
)
def test_what_is_cancelled(
    planned: int,
    asked: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = submitted(tmp_path, arrays=1)
    Store(tmp_path).write_plan(SweepPlan(name="s", source={}, runs=tuple(runs[:planned])))
    row = "0|0|0|RUNNING|None|0:05|1:00|n1|comment"
    command(tmp_path / "bin", "squeue", f"echo '{row}'", monkeypatch)
    command(tmp_path / "bin", "scancel", f'echo "$@" > {tmp_path / "asked"}', monkeypatch)
    assert main(["sweep", "cancel", "s", "--store", str(tmp_path)]) == 0
    assert (tmp_path / "asked").read_text().split() == [asked]
    assert "cancelled 1 job(s), 1 run(s)" in capsys.readouterr().out
    (submission,) = Ledger(tmp_path).submissions()
    assert bool(submission.arrays[0].cancelled) == (planned == 2)
