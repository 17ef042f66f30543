"""A search on a real Slurm: trials, the same command again, and the choice made locally."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.execution.slurm.user import CLUSTER, User, same_as_local, settled, write

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]

SWEEP = """\
name: tuned
model: "local-dir:{model}"
dataset: folder
seeds: [0]
targets: [domain1]
defaults: {{steps: 2, batch_per_domain: 2, lr: 1.0e-3}}
tune: {{trials: 3, select: [training-domain, leave-one-source-out]}}
methods: [zero_shot, finetune]
"""


def test_trials_then_final_runs_as_on_one_machine(
    user: User, image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    file = write(tmp_path / "tuned.yaml", SWEEP.format(model=random_clip))
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    more = ["--runs-per-job", "6"]
    said = user.submit(file, cluster, *more)
    assert "trials: 0 of 9 done; values chosen in 0 of 2 searches" in said
    assert "final runs are submitted by the same command" in said
    found = user.wait(settled)
    assert len(found["done"]) == 11  # and the two rows whose values are given
    assert "trials: 9 of 9 done; values chosen in 2 of 2 searches" in user.type("status")
    user.submit(file, cluster, *more)
    user.wait(lambda states: settled(states) and not states["missing"])
    assert "nothing to submit" in user.submit(file, cluster, *more)
    same_as_local(user, file, image_folder, tmp_path / "local")
