"""A sweep on a real Slurm while everything goes wrong around it."""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from pathlib import Path
from typing import Any

import pytest

from harness.execution.context import Context
from harness.execution.slurm.ledger import Ledger
from harness.execution.slurm.scheduler import LOOK_SECONDS
from harness.store.store import Store
from tests.execution.slurm.minicluster import MiniCluster
from tests.execution.slurm.user import CLUSTER, SWEEP, States, User, same_as_local, settled, write

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]
STEPS, STEP_SECONDS = 240, 2
SLACK_SECONDS = 10  # writing a checkpoint on a busy machine
# Slurm looks at limits every 30 s. Two minutes keep the limit clear of the controller's absence: a
# limit that passes while it is away, or within its first 30 s, ends a job without a signal.
TIGHT = """\
methods:
  slow: {timeout_min: 2}
"""
PLUGIN = '''
import time
from pathlib import Path
from harness import registry

base = registry.method_class("finetune")

class Slow(base):
    """Fine-tuning whose steps take long as long as a file is there."""
    name = "slow"
    summary = "slow"

    def losses(self, batch):
        print("step", batch.step, "at", time.time(), flush=True)
        if Path("{hold}").exists():
            time.sleep({seconds})
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


def running_slow(states: States) -> list[dict[str, Any]]:
    """Return the slow runs that are being trained right now."""
    return [r for r in states["running"] if r["method"].startswith("slow") and r["step"] > 1]


def attempts(folder: Path) -> list[dict[int, float]]:
    """Return the steps that each attempt at a slow run began, and when, from the run's log."""
    log = folder / "log.txt"
    parts = log.read_text().split(" · pid ")[1:] if log.is_file() else []
    found = [re.findall(r"^step (\d+) at (.+)$", part, re.M) for part in parts]
    return [{int(step): float(when) for step, when in steps} for steps in found if steps]


def repeated(before: dict[int, float], after: dict[int, float]) -> list[float]:
    """Return when an attempt had begun the steps that the next one repeats."""
    return [when for step, when in before.items() if step >= min(after)]


def test_everything_goes_wrong_and_the_table_is_the_same(
    user: User, slurm: MiniCluster, image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    marker, hold = write(tmp_path / "full", ""), write(tmp_path / "hold", "")
    code = PLUGIN.replace("{marker}", str(marker)).replace("{hold}", str(hold))
    plugin = write(tmp_path / "trouble.py", code.replace("{seconds}", str(STEP_SECONDS)))
    extra = f"  - {{method: slow, params: {{steps: {STEPS}}}}}\n  - flaky\n"
    text = SWEEP.format(
        name="chaos", model=random_clip, seeds=[0, 1], targets="[domain1]", extra=extra
    )
    file = write(tmp_path / "chaos.yaml", text)
    cluster = write(tmp_path / "mini.yaml", CLUSTER.format(minutes=10) + TIGHT)
    store = Store(user.store)
    user.submit(file, cluster, "--plugin", str(plugin))
    plugin.write_text("raise SystemExit('jobs must not read this any more')")

    # The controller dies and comes back. Its silence is no loss, and is not waited for long.
    user.wait(lambda states: bool(running_slow(states)))
    slurm.kill_controller()
    began = time.monotonic()
    silent = user.states()
    assert time.monotonic() - began < LOOK_SECONDS + 20
    assert len(silent["unknown"]) > 5
    assert "try again when" in user.type("retry", status=2)
    slurm.start_controller()
    found = user.wait(lambda states: not states["unknown"])
    assert not user.lost

    # A job is cancelled by somebody with Slurm's own command.
    cancelled = [run for run in found["queued"] if run["method"].startswith("alignclip")][-1]
    slurm.call("scancel", cancelled["job"])

    # A node dies under a slow run that has a checkpoint.
    def kept(states: States) -> list[dict[str, Any]]:
        runs = running_slow(states)
        return [r for r in runs if (store.work_dir(r["id"]) / "checkpoint.pt").is_file()]

    victim = kept(user.wait(lambda states: bool(kept(states))))[0]
    work = store.work_dir(victim["id"])
    slurm.kill_node(victim["node"])
    before = len(attempts(work))
    waits = lambda states: victim["id"] in {run["id"] for run in states["queued"]}  # noqa: E731
    user.wait(lambda states: waits(states) or len(attempts(work)) > before)
    slurm.start_node(victim["node"])

    # When it has started again it is preempted, with a signal. (It may reach its limit just then.)
    deadline, seen, sent = time.monotonic() + 400, before, False
    while not sent or len(attempts(work)) == seen:
        assert time.monotonic() < deadline, slurm.diagnosis()
        if not sent and len(attempts(work)) > seen:
            seen = len(attempts(work))
            with contextlib.suppress(RuntimeError):
                slurm.call("scancel", "--signal=USR2", victim["job"])
                sent = True
        time.sleep(0.2)

    # The other slow run reaches its limit of two minutes.
    (limited,) = (
        run
        for run in silent["unknown"]
        if run["method"] == victim["method"] and run["id"] != victim["id"]
    )
    user.wait(lambda states: len(attempts(store.work_dir(limited["id"]))) > 1, 400)
    hold.unlink()

    found = user.wait(settled, 400)
    # A minute after a node died Slurm repeats its order to end the job there. Where the node came
    # back at once, as here, that hits the job's next start on it: then its run waits for `retry`.
    assert {cancelled["id"]} <= user.lost <= {cancelled["id"], victim["id"]}
    assert all(run["reason"] for run in found["lost"])
    assert {run["method"] for run in found["failed"]} == {"flaky"}
    assert all("the disk was full" in run["reason"] for run in found["failed"])
    shown = user.type("status", "--all", status=1)
    assert "the disk was full" in shown
    assert "sweep retry" in shown
    assert "Traceback" in user.type("logs", found["failed"][0]["id"])

    marker.unlink()
    user.type("retry")
    found = user.wait(settled)
    assert {state: len(runs) for state, runs in found.items() if runs} == {"done": 14}
    logs = user.job_logs()
    done = re.findall(r"done: .* · ([0-9a-f]{16})", logs)
    assert len(done) == len(set(done))  # nothing was done twice
    assert "this job is timed-out" in logs

    # Every attempt goes on where the one before was; at most what no checkpoint held is repeated.
    kept_s = Context.model_fields["checkpoint_seconds"].default
    for run in (victim["id"], limited["id"]):
        parts = attempts(store.run_dir(run))
        begun = [list(part) for part in parts]
        assert all(steps == list(range(steps[0], steps[-1] + 1)) for steps in begun)
        assert begun[0][0] == 0
        assert begun[-1][-1] == STEPS - 1
        assert all(b[0] <= a[-1] + 1 for a, b in itertools.pairwise(begun))
        lost = [when for a, b in itertools.pairwise(parts) if (when := repeated(a, b))]
        assert all(when[-1] - when[0] <= kept_s + SLACK_SECONDS for when in lost)
        if run == victim["id"]:
            assert len(parts) >= 3  # the dead node and the preemption
            assert min(map(len, parts[1:-1])) <= 5  # long before any limit
        elif "no checkpoint within" not in logs:  # as on a machine that is not overloaded
            assert not lost
    saved = Ledger(user.store).submissions()[0].snapshot / "plugins" / "0" / "trouble.py"
    same_as_local(user, file, image_folder, tmp_path / "local", "--plugin", str(saved))
