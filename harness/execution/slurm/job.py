"""What runs inside a Slurm job: one task's runs, one after the other, in a worker process.

The job's own process imports no torch and holds no GPU: it feeds a worker, says what happens, and
answers Slurm's signal through submitit's checkpoint protocol. A run that takes its worker down
(segmentation fault, out of memory) takes down nothing else.
"""

from __future__ import annotations

import os
import platform
import queue
import subprocess
import time
from collections import deque
from pathlib import Path
from typing import Any, Literal

import submitit

from harness.errors import UserError
from harness.execution.process import Worker, how_it_ended
from harness.execution.slurm import scheduler
from harness.execution.slurm.ledger import JobTask, TaskState, read_task
from harness.specs import RunSpec
from harness.store.files import write_atomically
from harness.store.store import Store
from harness.store.timestamps import now

STATE_SECONDS = 5.0
BUSY_SECONDS = 120.0
"""How long a job waits for a run that another process holds: usually its own ghost on a node that
lost contact, which the lock's end shows to be gone."""
PAUSE_SECONDS = 60.0
"""After a SIGTERM that is not ours: a cancelled or preempted job is killed meanwhile."""
ANSWER_SECONDS = 20.0
MAX_DEATHS = 3


class RunPack:
    """What submitit pickles: only the path of the task's JSON."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.job: _Job | None = None

    def __call__(self) -> dict[str, int]:
        """Do the task; return how many runs came to what end."""
        self.job = _Job(read_task(Path(self.path)))
        try:
            return self.job.run()
        finally:
            self.job.stop(0.0)

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Let the run under way write its checkpoint; submitit then requeues this job."""
        if self.job is not None:
            say("Slurm's signal: the run under way writes its checkpoint")
            self.job.stop(0.7 * self.job.task.signal_delay_s)
            await_scheduler()
        return submitit.helpers.DelayedSubmission(RunPack(self.path))


def say(text: str) -> None:
    """Write a line to the job's log."""
    print(f"{now()} {text}", flush=True)


def job_name() -> str:
    """Return Slurm's id of this job as squeue and the ledger write it."""
    array, index = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{index}" if array else os.environ.get("SLURM_JOB_ID", "")


def await_scheduler() -> None:
    """Wait until Slurm answers: submitit asks it once to requeue the job, and if that fails the job
    is over. While the controller is away nobody enforces the time limit either."""
    told = False
    while True:
        try:
            scheduler.queued(os.environ.get("SLURM_JOB_ID", "0"), time.monotonic() + ANSWER_SECONDS)
            return
        except UserError:  # no squeue on this node; then there is nothing to wait for
            return
        except scheduler.Unreachable as error:
            if not told:
                say(f"waiting for Slurm to requeue this job: {error}")
                told = True
            time.sleep(1.0)


class _Job:
    """One task on its way."""

    def __init__(self, task: JobTask) -> None:
        self.task = task
        self.store = Store(task.context.store)
        self.events: queue.Queue[tuple[Worker, Any]] = queue.Queue()
        self.worker: Worker | None = None
        self.deaths = 0
        self.counts = {"done": 0, "failed": 0, "busy": 0, "skipped": 0}
        self.state = TaskState(
            job=job_name(),
            node=os.environ.get("SLURMD_NODENAME") or platform.node(),
        )
        self.written = 0.0

    def run(self) -> dict[str, int]:
        """Do what is left of the task."""
        for spec in self.task.features:
            if not self.store.has(spec.id):
                self._order(spec, "features")
        todo = deque(self.task.runs)
        waited = time.monotonic() + BUSY_SECONDS
        while todo:
            spec = todo.popleft()
            if self._settled(spec):
                self.counts["skipped"] += 1
                continue
            end = self._order(spec, "run")
            if end == "busy" and time.monotonic() < waited:
                say(f"{spec.title()}: another process runs it; looking again later")
                todo.append(spec)
                time.sleep(5.0)
            elif end == "stopped":
                todo.appendleft(spec)
                time.sleep(PAUSE_SECONDS)
            else:
                self.counts[end] += 1
        self._note(run="", force=True)
        say(", ".join(f"{n} {what}" for what, n in self.counts.items()))
        return self.counts

    def _settled(self, spec: RunSpec) -> bool:
        """Tell whether the run is done, or failed earlier in this very submission."""
        failure = self.store.failure(spec.id)
        before = self.task.attempts.get(spec.id, 0)
        return self.store.has(spec.id) or (failure is not None and failure.attempts > before)

    def _order(self, spec: RunSpec, do: Literal["run", "features"]) -> str:
        """Let the worker do one thing; return done, failed, busy or stopped."""
        if self.worker is None:
            self.worker = Worker(0, self.task.context, self.events)
        say(f"{spec.title()} · {spec.id}" if do == "run" else f"features for {spec.title()}")
        self._note(run=spec.id if do == "run" else "", step=0, steps=0, since=time.time(),
                   force=True)  # fmt: skip
        self.worker.start(spec, do)
        while True:
            event = self._event()
            kind = event["event"]
            if kind == "progress":
                self._note(step=event["step"], steps=event["steps"])
                continue
            if kind == "note":
                say(f"note: {event['text']}")
                continue
            if kind == "exit":
                return self._died(spec, do, event["code"])
            if kind == "done":
                self.deaths = 0
                say(f"done: {100 * event['accuracy']:.1f} %, {event['wall_s']:.0f} s · {spec.id}")
            if kind == "features":
                if event["error"]:
                    say(f"no features: {event['error']}; the runs will compute their own")
                return "done"
            if kind == "failed":
                say(f"failed: {event['error']}")
                self.deaths = 0
                # What broke may have left the process unwell (a CUDA error stays): a new one.
                self.stop(10.0)
            if kind == "stopped":
                self.stop(10.0)
            return str(kind)

    def _event(self) -> dict[str, Any]:
        while True:
            try:
                worker, event = self.events.get(timeout=1.0)
            except queue.Empty:
                self._note()
                continue
            if worker is self.worker:
                found: dict[str, Any] = event
                return found

    def _died(self, spec: RunSpec, do: str, code: int) -> str:
        self.worker = None
        self.deaths += 1
        why = how_it_ended(code)
        say(why)
        if do == "run" and not self.store.has(spec.id):
            self.store.fail(spec, why, "", now())
        if self.deaths == MAX_DEATHS:
            raise RuntimeError(f"{MAX_DEATHS} workers died one after the other, the last: {why}")
        return "failed"

    def _note(self, force: bool = False, **changes: Any) -> None:
        self.state = self.state.model_copy(update=changes)
        if force or time.monotonic() - self.written > STATE_SECONDS:
            self.written = time.monotonic()
            self.state = self.state.model_copy(update={"updated": time.time()})
            write_atomically(self.task.state_file, self.state.model_dump_json().encode())

    def stop(self, seconds: float) -> None:
        """End the worker: with a checkpoint if it manages within `seconds`, else at once."""
        worker, self.worker = self.worker, None
        if worker is None:
            return
        worker.close()
        if seconds:
            worker.process.terminate()
        try:
            worker.process.wait(seconds or 5.0)
        except subprocess.TimeoutExpired:
            if seconds:
                say(f"no checkpoint within {seconds:.0f} s; the last periodic one stands")
            worker.process.kill()
            worker.process.wait()
