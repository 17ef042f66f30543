"""A whole node of four GPUs on a real Slurm: a worker on each, of which one is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.store.store import Store
from tests.execution.meeting import Meeting
from tests.execution.slurm.user import CLUSTER, User, same_as_local, settled, write

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]
SWEEP = """\
name: node
model: "local-dir:{model}"
dataset: folder
seeds: [0, 1, 2, 3, 4, 5]
targets: [domain1]
defaults: {{steps: 6, batch_per_domain: 4, lr: 1.0e-3}}
methods: [meeting]
"""


def test_four_runs_at_a_time_each_on_its_gpu_and_one_killed(
    user: User, image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    meeting = Meeting(tmp_path / "here", wanted=4)
    meeting.kill.touch()
    meeting.hold.touch()
    file = write(tmp_path / "node.yaml", SWEEP.format(model=random_clip))
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    more = ["--plugin", str(meeting.plugin), "--runs-per-job", "6", "--set", "gpus_per_node=4",
            "--set", "slurm_additional_parameters={exclusive: true}"]  # fmt: skip
    planned = user.submit(file, cluster, *more, "--dry-run")
    assert "#SBATCH --gpus-per-node=4" in planned
    assert "#SBATCH --exclusive" in planned
    assert "4 runs at a time" in " ".join(planned.replace("│", " ").split())
    user.submit(file, cluster, *more)
    # All four say that they are at work before any may go on.
    found = user.wait(lambda states: len(states["running"]) == 4)
    assert [run["reason"] for run in found["queued"]] == [
        f"its job runs on {found['running'][0]['node']}, 4 runs at a time"
    ] * 2
    meeting.hold.unlink()
    found = user.wait(settled)
    assert (len(found["done"]), len(found["failed"])) == (5, 1)
    assert "SIGKILL" in found["failed"][0]["reason"]
    seen = meeting.gpus()
    assert {seen[seed] for seed in range(4)} == {"0", "1", "2", "3"}
    for run in found["done"]:
        made = Store(user.store).read(run["id"]).provenance
        assert (made.gpu, made.runs_per_gpu) == (seen[run["seed"]], 1)
    user.type("retry", "--failed")
    found = user.wait(settled)
    assert {state: len(runs) for state, runs in found.items() if runs} == {"done": 6}
    alone = tmp_path / "local"
    same_as_local(user, file, image_folder, alone, "--plugin", str(meeting.plugin))
