"""Sweeps on a real Slurm: what users do."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from harness.execution.slurm.ledger import Ledger
from harness.store.store import Store
from tests.execution.slurm.minicluster import MiniCluster
from tests.execution.slurm.user import CLUSTER, SWEEP, User, same_as_local, settled, write

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]


def test_thirty_runs_by_two_who_submit_at_once(
    user: User, image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    text = SWEEP.format(name="thirty", model=random_clip, seeds=[0, 1], targets="all", extra="")
    file = write(tmp_path / "thirty.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    ask = ["submit", str(file), "--cluster", str(cluster), *user.options, "--runs-per-job", "3"]
    planned = user.type(*ask, "--dry-run")
    assert "30 runs in 3 array(s)" in planned
    assert "#SBATCH --gpus-per-node=1" in planned
    assert "30 run(s) of which no record tells the length" in planned
    assert not user.store.exists()

    both = [user.start(*ask) for _ in range(2)]
    said = [process.communicate(timeout=180) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("nothing to submit" in out for out, _ in said) == 1
    (submission,) = Ledger(user.store).submissions()
    ids = [run for array in submission.arrays for runs in array.tasks for run in runs]
    assert len(ids) == len(set(ids)) == 30
    # What --dry-run printed is what sbatch got, up to names that were not known yet.
    for array in submission.arrays:
        real = (array.folder / f"{array.array_id()}_submission.sh").read_text()
        flags = {line for line in real.splitlines() if line.startswith("#SBATCH")}
        known = {line for line in flags if "clip-bench" not in line and "jobs/" not in line
                 and "afterany" not in line}  # fmt: skip
        assert known <= set(planned.splitlines())

    found = user.wait(lambda states: settled(states))
    assert {state: len(runs) for state, runs in found.items() if runs} == {"done": 30}
    assert "30 done" in user.type("status", "thirty")
    assert sorted(re.findall(r"done: .* · ([0-9a-f]{16})", user.job_logs())) == sorted(ids)
    assert "nothing to submit: 30 done" in user.submit(file, cluster)
    record = Store(user.store).read(ids[0])
    assert "Slurm job" in record.provenance.host
    assert record.provenance.git == json.loads(
        (submission.snapshot / "SNAPSHOT.json").read_text()
    )["git"]  # fmt: skip
    assert "done" in user.type("logs", ids[0], "--job")
    same_as_local(user, file, image_folder, tmp_path / "local")


def test_cancel_then_retry(
    user: User, slurm: MiniCluster, image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    text = SWEEP.format(
        name="cancelled", model=random_clip, seeds=[0], targets="[domain1]", extra=""
    )
    file = write(tmp_path / "cancelled.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    user.submit(file, cluster)
    assert "cancelled" in user.type("cancel")
    found = user.wait(settled)
    assert not found["failed"], [run["reason"] for run in found["failed"]]
    assert found["lost"]
    assert all("cancelled" in run["reason"] for run in found["lost"])
    assert "sweep retry" in user.submit(file, cluster)  # submit leaves them to retry
    other_style = "slurm_additional_parameters={gpus_per_task: 1}"
    user.type("retry", "--lost", "--set", "runs_per_job=10", "--set", "gpus_per_node=null",
              "--set", other_style)  # fmt: skip
    user.wait(lambda states: len(states["done"]) == 5)


def test_sbatch_refuses(user: User, random_clip: Path, tmp_path: Path) -> None:
    text = SWEEP.format(name="refused", model=random_clip, seeds=[0], targets="[domain1]", extra="")
    file = write(tmp_path / "refused.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    ask = ["submit", str(file), "--cluster", str(cluster), *user.options]
    assert "# ---- sbatch would take it: Job " in user.type(*ask, "--dry-run")
    ask += ["--set", "slurm_partition=nowhere"]
    said = user.type(*ask, "--dry-run", status=2)
    assert "# ---- sbatch refuses it: invalid partition specified: nowhere" in said
    said = user.type(*ask, status=2)
    assert said.startswith("error: sbatch refused: ")
    assert "invalid partition" in said
    assert said.count("\n") == 1
    assert {run["state"] for runs in user.states().values() for run in runs} == {"missing"}


UNANSWERED = """\
#!/bin/sh
{real} "$@" > /dev/null
echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
exit 1
"""


def test_jobs_that_sbatch_gave_no_answer_about_are_not_submitted_twice(
    user: User, slurm: MiniCluster, random_clip: Path, tmp_path: Path
) -> None:
    real = shutil.which("sbatch", path=slurm.env["PATH"])
    (tmp_path / "bin").mkdir()
    write(tmp_path / "bin" / "sbatch", UNANSWERED.format(real=real)).chmod(0o755)
    text = SWEEP.format(
        name="unanswered", model=random_clip, seeds=[0], targets="[domain1]", extra=""
    )
    file = write(tmp_path / "unanswered.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    user.env["PATH"] = f"{tmp_path / 'bin'}:{slurm.env['PATH']}"
    said = user.type("submit", str(file), "--cluster", str(cluster), *user.options, status=2)
    assert said.startswith("error: sbatch got no answer (Batch job submission failed: Socket timed")
    assert said.count("\n") == 1
    user.env["PATH"] = slurm.env["PATH"]
    found = user.states()
    assert not found["lost"]
    (first,) = Ledger(user.store).submissions()
    taken = [run for array in first.arrays for task in array.tasks for run in task]
    assert taken
    user.submit(file, cluster)
    second = Ledger(user.store).submissions()[1]
    again = [run for array in second.arrays for task in array.tasks for run in task]
    assert not set(again) & set(taken)
    # Their jobs wait in vain for what sbatch's answer would have been needed to write.
    assert "cancelled" in user.type("cancel")
    found = user.wait(settled)
    assert set(taken) <= {run["id"] for run in found["lost"]}
    user.type("retry", "--set", "runs_per_job=10")
    user.wait(lambda states: len(states["done"]) == 5)
