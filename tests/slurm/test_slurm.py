"""Sweeps on a real Slurm: what users do, and what goes wrong around them."""

from __future__ import annotations

import collections
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.executors.local import run_local
from harness.executors.slurm.ledger import Ledger
from harness.store import Store
from harness.sweeps import expand_sweep, read_sweep
from tests.engine import make_context, outcome
from tests.slurm.minicluster import MiniCluster

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]
ROOT = registry.ROOT
CLUSTER = """\
timeout_min: {minutes}
mem_gb: 2
gpus_per_node: 1
cpus_per_task: 1
device: cpu
slurm_signal_delay_s: 10
"""
SWEEP = """\
name: {name}
model: "local-dir:{model}"
dataset: folder
seeds: {seeds}
targets: {targets}
defaults: {{steps: 6, batch_per_domain: 4, lr: 1.0e-3, n_ctx: 4, feature_views: 2}}
methods:
  - zero_shot
  - finetune
  - {{method: coop, params: {{lr: 0.02}}}}
  - clipood
  - {{method: alignclip, params: {{aligned_layers: 2, branch_depth: 2}}}}
"""


class User:
    """Types commands into shells that end with them."""

    def __init__(self, slurm: MiniCluster, store: Path, options: list[str]) -> None:
        self.slurm, self.store, self.options = slurm, store, options

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "run_benchmark.py", "sweep", *words, "--store", str(self.store)]
        env = {**self.slurm.env, "HF_HUB_OFFLINE": "1"}
        return subprocess.Popen(
            command, cwd=ROOT, env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def type(self, *words: str, status: int | None = 0) -> str:
        process = self.start(*words)
        out, err = process.communicate(timeout=180)
        assert status is None or process.returncode == status, out + err
        return out + err

    def submit(self, file: Path, cluster: Path, *more: str) -> str:
        return self.type("submit", str(file), "--cluster", str(cluster), *self.options, *more)

    def states(self) -> dict[str, list[dict[str, Any]]]:
        """Return the runs by state, as `status --json` tells it."""
        process = self.start("status", "--json")
        out, err = process.communicate(timeout=60)
        assert process.returncode in (0, 1), err
        found: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
        for run in json.loads(out):
            found[run["state"]].append(run)
        return found

    def wait(self, what: Callable[[dict[str, list[dict[str, Any]]]], bool], seconds: float = 240):
        deadline = time.monotonic() + seconds
        while not what(found := self.states()):
            counts = {state: len(runs) for state, runs in found.items()}
            assert time.monotonic() < deadline, f"{counts}\n{self.slurm.diagnosis()}"
            time.sleep(0.5)
        return found

    def job_logs(self) -> str:
        return "".join(p.read_text() for p in sorted(self.store.glob("slurm/jobs/*/*/*_log.out")))


def settled(found: dict[str, list[dict[str, Any]]]) -> bool:
    return not (found["running"] or found["queued"] or found["unknown"])


def same_as_local(
    file: Path, store: Path, images: Path, aside: Path, plugins: tuple[str, ...] = ()
) -> None:
    specs = expand_sweep(read_sweep(file), images)
    context = make_context(aside, images, cache=aside / "cache", plugins=plugins)
    assert run_local(specs, context, workers=2).done == len(specs)
    for spec in specs:
        assert outcome(store, spec.id) == outcome(aside, spec.id), spec.title()


@pytest.fixture
def user(slurm: MiniCluster, image_folder: Path, tmp_path: Path) -> User:
    options = ["--data-root", str(image_folder), "--cache-dir", str(tmp_path / "cache")]
    return User(slurm, tmp_path / "store", options)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_sixty_runs_by_two_who_submit_at_once(
    user: User, image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    text = SWEEP.format(name="sixty", model=random_clip, seeds=[0, 1, 2, 3], targets="all")
    file = write(tmp_path / "sixty.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    ask = ["submit", str(file), "--cluster", str(cluster), *user.options, "--runs-per-job", "6"]
    planned = user.type(*ask, "--dry-run")
    assert "60 runs in 3 array(s)" in planned
    assert "#SBATCH --gpus-per-node=1" in planned
    assert "60 run(s) of which no record tells the length" in planned
    assert not user.store.exists()

    both = [user.start(*ask) for _ in range(2)]
    said = [process.communicate(timeout=180) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("nothing to submit" in out for out, _ in said) == 1
    (submission,) = Ledger(user.store).submissions()
    ids = [run for array in submission.arrays for runs in array.tasks for run in runs]
    assert len(ids) == len(set(ids)) == 60
    # What --dry-run printed is what sbatch got, up to names that were not known yet.
    for array in submission.arrays:
        real = (array.folder / f"{array.array_id()}_submission.sh").read_text()
        flags = {line for line in real.splitlines() if line.startswith("#SBATCH")}
        known = {line for line in flags if "clip-bench" not in line and "jobs/" not in line
                 and "afterany" not in line}  # fmt: skip
        assert known <= set(planned.splitlines())

    found = user.wait(lambda states: settled(states))
    assert {state: len(runs) for state, runs in found.items() if runs} == {"done": 60}
    assert "60 done" in user.type("status", "sixty")
    assert sorted(re.findall(r"done: .* · ([0-9a-f]{16})", user.job_logs())) == sorted(ids)
    assert "nothing to submit: 60 done" in user.submit(file, cluster)
    record = Store(user.store).read(ids[0])
    assert "Slurm job" in record.provenance.host
    assert record.provenance.git == json.loads(
        (submission.snapshot / "SNAPSHOT.json").read_text()
    )["git"]  # fmt: skip
    assert "done" in user.type("logs", ids[0], "--job")
    same_as_local(file, user.store, image_folder, tmp_path / "local")


def test_cancel_then_retry(
    user: User, slurm: MiniCluster, image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    text = SWEEP.format(name="cancelled", model=random_clip, seeds=[0], targets="[domain1]")
    file = write(tmp_path / "cancelled.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    user.submit(file, cluster)
    assert "cancelled" in user.type("cancel")
    found = user.wait(settled)
    assert not found["failed"]
    assert found["lost"]
    assert all("cancelled" in run["reason"] for run in found["lost"])
    assert "sweep retry" in user.submit(file, cluster)  # submit leaves them to retry
    user.type("retry", "--lost", "--set", "runs_per_job=10")
    user.wait(lambda states: len(states["done"]) == 5)


def test_sbatch_refuses(user: User, random_clip: Path, tmp_path: Path) -> None:
    text = SWEEP.format(name="refused", model=random_clip, seeds=[0], targets="[domain1]")
    file = write(tmp_path / "refused.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    said = user.type("submit", str(file), "--cluster", str(cluster), *user.options,
                     "--set", "slurm_partition=nowhere", status=2)  # fmt: skip
    assert said.startswith("error: sbatch refused: ")
    assert "invalid partition" in said
    assert said.count("\n") == 1
    assert {run["state"] for runs in user.states().values() for run in runs} == {"missing"}
