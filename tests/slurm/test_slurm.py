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
slurm_setup: ["export SLOW_S=2"]
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
PLUGIN = '''
import os, time
from pathlib import Path
from harness import registry

base = registry.method_class("finetune")

class Slow(base):
    """Fine-tuning whose steps take long on the cluster."""
    name = "slow"
    summary = "slow"

    def losses(self, batch):
        time.sleep(float(os.environ.get("SLOW_S", "0")))
        return super().losses(batch)

class Flaky(base):
    """Fine-tuning that raises as long as a file is there."""
    name = "flaky"
    summary = "flaky"

    def losses(self, batch):
        if batch.step == 3 and Path("{marker}").exists():
            raise ValueError("the disk was full")
        return super().losses(batch)
'''


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
    text = SWEEP.format(
        name="sixty", model=random_clip, seeds=[0, 1, 2, 3], targets="all", extra=""
    )
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


def test_everything_goes_wrong_and_the_table_is_the_same(
    user: User, slurm: MiniCluster, image_folder: Path, random_clip: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    marker = write(tmp_path / "full", "")
    plugin = write(tmp_path / "trouble.py", PLUGIN.replace("{marker}", str(marker)))
    extra = "  - {method: slow, params: {steps: 30}}\n  - flaky\n"
    text = SWEEP.format(
        name="chaos", model=random_clip, seeds=[0, 1], targets="[domain1]", extra=extra
    )
    file = write(tmp_path / "chaos.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=1))
    user.options += ["--plugin", str(plugin)]
    user.submit(file, cluster)
    plugin.write_text("raise SystemExit('jobs must not read this any more')")

    # A job that waits is cancelled by somebody with Slurm's own command.
    waiting = [run for run in user.states()["queued"] if run["method"].startswith("alignclip")]
    slurm.call("scancel", waiting[-1]["job"])
    cancelled = waiting[-1]["id"]

    def trains(run: dict[str, Any]) -> bool:
        return bool(run["method"].startswith("slow") and run["step"] > 3)

    user.wait(lambda states: any(map(trains, states["running"])))
    # The controller dies; status must not take silence for loss. Then it comes back.
    slurm.kill_controller()
    silent = user.states()
    assert not silent["lost"]
    assert len(silent["unknown"]) > 5
    assert "try again when" in user.type("retry", status=2)
    slurm.start_controller()
    user.wait(lambda states: not states["unknown"], 60)
    # A node dies under the slow run that it works on.
    found = user.wait(lambda states: any(map(trains, states["running"])))
    victim = next(filter(trains, found["running"]))
    slurm.kill_node(victim["node"])
    time.sleep(1.0)
    user.wait(lambda s: victim["id"] in {r["id"] for r in s["queued"] + s["done"]}, 120)
    slurm.start_node(victim["node"])

    found = user.wait(settled, 400)
    lost = {run["id"] for run in found["lost"]}
    assert lost == {cancelled}
    assert {run["method"] for run in found["failed"]} == {"flaky"}
    assert all("the disk was full" in run["reason"] for run in found["failed"])
    shown = user.type("status", "--all", status=1)
    assert "the disk was full" in shown
    assert "sweep retry" in shown
    assert "Traceback" in user.type("logs", found["failed"][0]["id"])

    marker.unlink()
    user.type("retry", "--data-root", str(image_folder))
    found = user.wait(settled, 240)
    assert {state: len(runs) for state, runs in found.items() if runs} == {"done": 14}
    done = re.findall(r"done: .* · ([0-9a-f]{16})", user.job_logs())
    assert len(done) == len(set(done)) == 14  # nothing was done twice
    slow = [r for r in Store(user.store).records() if r.spec.method == "slow"]
    assert all(record.provenance.resumed >= 1 for record in slow)  # the time limit is one minute
    assert "writes its checkpoint" in user.job_logs()
    snapshot = Ledger(user.store).submissions()[0].snapshot
    saved = str(snapshot / "plugins" / "0" / "trouble.py")
    registry.add_plugin_file(saved)
    same_as_local(file, user.store, image_folder, tmp_path / "local", (saved,))


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
    assert not found["failed"]
    assert found["lost"]
    assert all("cancelled" in run["reason"] for run in found["lost"])
    assert "sweep retry" in user.submit(file, cluster)  # submit leaves them to retry
    user.type("retry", "--lost", "--set", "runs_per_job=10")
    user.wait(lambda states: len(states["done"]) == 5)


def test_sbatch_refuses(user: User, random_clip: Path, tmp_path: Path) -> None:
    text = SWEEP.format(name="refused", model=random_clip, seeds=[0], targets="[domain1]", extra="")
    file = write(tmp_path / "refused.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10))
    said = user.type("submit", str(file), "--cluster", str(cluster), *user.options,
                     "--set", "slurm_partition=nowhere", status=2)  # fmt: skip
    assert said.startswith("error: sbatch refused: ")
    assert "invalid partition" in said
    assert said.count("\n") == 1
    assert {run["state"] for runs in user.states().values() for run in runs} == {"missing"}
