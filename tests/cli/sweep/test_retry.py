"""`sweep retry` of what was only planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.execution.slurm.fakes import spec


def test_a_sweep_that_ran_here_was_never_submitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store(tmp_path).write_plan(SweepPlan(name="s", source={}, runs=(spec("finetune"),)))
    assert main(["sweep", "retry", "s", "--store", str(tmp_path)]) == 2
    assert "'s' was never submitted; use `sweep submit`" in capsys.readouterr().err
