"""Without Slurm: specs, a ledger of jobs that never were, and commands that answer as told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.execution.slurm.cluster import Resources
from harness.execution.slurm.ledger import Ledger, Submission, SubmittedArray
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec, RunSpec


def spec(method: str, seed: int = 0, data: str = "emoji") -> RunSpec:
    return RunSpec(
        method=method, config={"steps": 10}, model=ModelSpec(name="tiny-emoji"),
        dataset=DatasetSpec(name=data), protocol=DomainShift(), target="noto", seed=seed,
        data_seed=seed,
    )  # fmt: skip


def submitted(store: Path, arrays: int) -> list[RunSpec]:
    """Write the ledger of one submission of `arrays` arrays of two jobs; return its runs."""
    runs = [spec("finetune", seed) for seed in range(2 * arrays)]
    parts = tuple(
        SubmittedArray(
            name=f"a{n}", folder=store / "jobs", resources=Resources(),
            tasks=((runs[2 * n].id,), (runs[2 * n + 1].id,)), job_ids=(f"{n}_0", f"{n}_1"),
        )
        for n in range(arrays)
    )  # fmt: skip
    ledger = Ledger(store)
    ledger.write(
        Submission(
            id="s", sweep="s", when="now", user="me", host="here", cluster="cpu",
            snapshot=store, arrays=parts, complete=True,
        )
    )  # fmt: skip
    return runs


def command(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a command that does what `script` says all there is of Slurm."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
