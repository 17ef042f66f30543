"""What a job does when the controller is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.execution.slurm import job
from tests.execution.slurm.fakes import command


def test_a_job_waits_for_the_controller_before_it_is_requeued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tmp_path / "asked"
    silent = 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1'
    script = f"[ -e {asked} ] && exit 0; : > {asked}; {silent}"
    command(tmp_path / "bin", "squeue", script, monkeypatch)
    job.await_scheduler()
    assert asked.exists()
    assert "waiting for Slurm to requeue this job: slurm_load_jobs error" in capsys.readouterr().out
    (tmp_path / "bin" / "squeue").unlink()
    job.await_scheduler()  # submitit then says what is missing
