"""Without Slurm: specs, a ledger of jobs that never were, and commands that answer as told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.execution.slurm import snapshot
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


def submitted(store: Path, arrays: int, resources: Resources | None = None) -> list[RunSpec]:
    """Write the ledger of one submission of `arrays` arrays of two jobs; return its runs."""
    runs = [spec("finetune", seed) for seed in range(2 * arrays)]
    parts = tuple(
        SubmittedArray(
            name=f"a{n}", folder=store / "jobs", resources=resources or Resources(),
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


SBATCH = """\
n=1
file=${{1#--test-only}}
while read -r line; do case "$line" in
"#SBATCH --array=0-"*) last=${{line#*=0-}}; n=$((${{last%%%*}} + 1));;
esac; done < ${{file:-/dev/stdin}}
[ "$1" = --test-only ] && {{ {test_only}; }}
id=100; total=$n
[ -e {jobs} ] && while read -r had; do id=$((id + 1)); total=$((total + had)); done < {jobs}
[ $total -gt {most} ] && {{ echo "sbatch: error: {refusal}" >&2; exit 1; }}
echo $n >> {jobs}
echo "Submitted batch job $id"
"""
SQUEUE = """\
id=99
while read -r n; do id=$((id + 1)); k=0
[ $id = "$8" ] && while [ $k -lt $n ]; do
index=$k; [ $n = 1 ] && index=N/A
echo "$id|$id|$index|PENDING|Priority|0:00|1:00||"; k=$((k + 1)); done
done < {jobs}
exit 0
"""


def waiting_slurm(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    most: int = 10**6,
    refusal: str = "QOSMaxSubmitJobPerUserLimit",
    test_only: str = "exit 0",
    array_size: int = 1001,
) -> Path:
    """Make commands that take up to `most` jobs, which wait; return the file of their numbers.

    That the copy of the code can be loaded is believed: it takes seconds.
    """
    monkeypatch.setattr(snapshot, "check", lambda code, copies, plugins: None)
    jobs = folder / "jobs"
    sbatch = SBATCH.format(jobs=jobs, most=most, refusal=refusal, test_only=test_only)
    command(folder, "sbatch", sbatch, monkeypatch)
    command(folder, "squeue", SQUEUE.format(jobs=jobs), monkeypatch)
    command(folder, "scontrol", f'echo "MaxArraySize            = {array_size}"', monkeypatch)
    command(folder, "srun", "", monkeypatch)
    return jobs
