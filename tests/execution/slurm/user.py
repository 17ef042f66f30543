"""Somebody at a shell of a cluster, and what they type: shared by the tests on a real Slurm."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness import resources
from harness.store.store import Store
from harness.tune.choice import runs_of
from tests.engine import outcome
from tests.execution.slurm.minicluster import MiniCluster

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
{extra}  - zero_shot
  - finetune
  - {{method: coop, params: {{lr: 0.02}}}}
  - clipood
  - {{method: alignclip, params: {{aligned_layers: 2, branch_depth: 2}}}}
"""
States = dict[str, list[dict[str, Any]]]
"""Runs as `status --json` tells of them, by state."""


class User:
    """Types commands into shells that end with them."""

    def __init__(self, slurm: MiniCluster, store: Path, options: Sequence[str] = ()) -> None:
        self.slurm, self.store, self.options = slurm, store, list(options)
        self.env = {**slurm.env, "HF_HUB_OFFLINE": "1"}
        self.force = True
        """Submit what was not prepared."""
        self.lost: set[str] = set()
        """Runs that `states` has ever called lost."""

    def start(self, *words: str) -> subprocess.Popen[str]:
        if self.force and words[0] in ("submit", "retry"):
            words = (*words, "--force")
        command = [sys.executable, "run_benchmark.py", "sweep", *words, "--store", str(self.store)]
        return subprocess.Popen(
            command, cwd=resources.ROOT, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def type(self, *words: str, status: int | None = 0) -> str:
        process = self.start(*words)
        out, err = process.communicate(timeout=400)
        assert status is None or process.returncode == status, out + err
        return out + err

    def submit(self, file: Path, cluster: Path, *more: str) -> str:
        return self.type("submit", str(file), "--cluster", str(cluster), *self.options, *more)

    def states(self) -> States:
        process = self.start("status", "--json")
        out, err = process.communicate(timeout=120)
        assert process.returncode in (0, 1), err
        found: States = collections.defaultdict(list)
        for run in json.loads(out):
            found[run["state"]].append(run)
        self.lost |= {run["id"] for run in found["lost"]}
        return found

    def wait(self, what: Callable[[States], bool], seconds: float = 240) -> States:
        deadline = time.monotonic() + seconds
        while not what(found := self.states()):
            counts = {state: len(runs) for state, runs in found.items()}
            assert time.monotonic() < deadline, f"{counts}\n{self.slurm.diagnosis()}"
            time.sleep(0.5)
        return found

    def job_logs(self) -> str:
        return "".join(p.read_text() for p in sorted(self.store.glob("slurm/jobs/*/*/*_log.out")))


def settled(found: States) -> bool:
    """Tell whether nothing is under way any more."""
    return not (found["running"] or found["queued"] or found["unknown"])


def same_as_local(user: User, file: Path, images: Path, aside: Path, *more: str) -> None:
    """Run the sweep of `file` by the local executor and compare every record, bit by bit."""
    local = User(user.slurm, aside, [])
    where = ["--data-root", str(images), "--cache-dir", str(aside / "cache"), "--workers", "2"]
    local.type("run", str(file), *where, *more)
    (planned,) = Store(user.store).plans()
    runs = runs_of(planned, Store(user.store))
    ids = {spec.id for spec in runs}
    for store in (user.store, aside):
        assert {record.id for record in Store(store).records()} == ids
    for spec in runs:
        assert outcome(user.store, spec.id) == outcome(aside, spec.id), spec.title()


def write(path: Path, text: str) -> Path:
    """Write a file and return its path."""
    path.write_text(text)
    return path
