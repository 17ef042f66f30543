"""What runs inside a Slurm job: one task's runs in worker processes, on each GPU its own.

The job's own process imports no torch and holds no GPU: it feeds a worker, says what happens, and
answers Slurm's signal through submitit's checkpoint protocol. A run that takes its worker down
(segmentation fault, out of memory) takes down nothing else.
"""

from __future__ import annotations

import os
import platform
import queue
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import submitit

from harness.errors import UserError
from harness.execution.context import Context
from harness.execution.order import Order
from harness.execution.process import Worker, how_it_ended
from harness.execution.seats import memory_gb, seated, visible_gpus
from harness.execution.slurm import scheduler
from harness.execution.slurm.ledger import JobTask, TaskState, read_task, state_of_seat
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
KILLED_SECONDS = 3.0
"""After a worker's SIGKILL: where the whole job is being killed, this process does not live to call
that a failure of the run."""


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


@dataclass
class _Seat:
    """Where one worker after the other sits, and what the present one does."""

    context: Context
    file: Path
    state: TaskState
    worker: Worker | None = None
    order: Order | None = None
    unfit: bool = False
    """Its GPU is left out."""
    written: float = 0.0

    def note(self, force: bool = False, **changes: Any) -> None:
        """Say what the worker does; on disk only every few seconds."""
        self.state = self.state.model_copy(update=changes)
        if force or time.monotonic() - self.written > STATE_SECONDS:
            self.written = time.monotonic()
            self.state = self.state.model_copy(update={"updated": time.time()})
            write_atomically(self.file, self.state.model_dump_json().encode())


class _Job:
    """One task on its way."""

    def __init__(self, task: JobTask) -> None:
        self.task = task
        self.store = Store(task.context.store)
        self.events: queue.Queue[tuple[Worker, Any]] = queue.Queue()
        self.deaths = 0
        self.counts = {"done": 0, "failed": 0, "busy": 0, "skipped": 0}
        node = os.environ.get("SLURMD_NODENAME") or platform.node()
        gpus = visible_gpus(task.gpus) * task.runs_per_gpu or [""]
        self.seats = [
            _Seat(context, state_of_seat(task.state_file, n), TaskState(job=job_name(), node=node))
            for n, context in enumerate(seated(task.context, gpus, memory_gb()))
        ]

    def run(self) -> dict[str, int]:
        """Do what is left of the task."""
        features = [s for s in self.task.features if not self.store.has(s.id)]
        # One after the other: each finds what an earlier one has in common with it.
        self._work(deque(Order(do="features", spec=s) for s in features), self.seats[:1])
        self._work(deque(Order(do="run", spec=s) for s in self.task.runs), self.seats)
        say(", ".join(f"{n} {what}" for what, n in self.counts.items()))
        return self.counts

    def _work(self, todo: deque[Order], seats: Sequence[_Seat]) -> None:
        """Let every seat take the next order until all are done."""
        waited = time.monotonic() + BUSY_SECONDS
        while True:
            for seat in seats:
                while todo and seat.order is None and not seat.unfit:
                    self._start(seat, todo.popleft())
            if not any(seat.order for seat in seats):
                return
            seat, event = self._event()
            order = seat.order
            if order is None:  # nothing to do for it, and killed
                seat.worker = None
                continue
            end = self._end(seat, event)
            if end is None:
                continue
            seat.order = None
            seat.note(run="", force=True)
            if end == "busy" and time.monotonic() < waited:
                say(f"{order.spec.title()}: another process runs it; looking again later")
                todo.append(order)
                time.sleep(5.0)
            elif end == "unfit":
                todo.appendleft(order)
            elif end == "stopped":
                todo.appendleft(order)
                time.sleep(PAUSE_SECONDS)
            elif order.do == "run":
                self.counts[end] += 1

    def _settled(self, spec: RunSpec) -> bool:
        """Tell whether the run is done, or failed earlier in this very submission."""
        failure = self.store.failure(spec.id)
        before = self.task.attempts.get(spec.id, 0)
        return self.store.has(spec.id) or (failure is not None and failure.attempts > before)

    def _start(self, seat: _Seat, order: Order) -> None:
        """Give a worker an order, unless it is done already."""
        spec = order.spec
        if order.do == "run" and self._settled(spec):
            self.counts["skipped"] += 1
            return
        if seat.worker is None:
            seat.worker = Worker(0, seat.context, self.events)
        where = f" · GPU {seat.context.gpu}" if seat.context.gpu else ""
        said = (
            f"{spec.title()} · {spec.id}" if order.do == "run" else f"features for {spec.title()}"
        )
        say(said + where)
        seat.note(run=spec.id if order.do == "run" else "", step=0, steps=0, since=time.time(),
                  force=True)  # fmt: skip
        seat.order = order
        seat.worker.start(spec, order.do)

    def _event(self) -> tuple[_Seat, dict[str, Any]]:
        while True:
            try:
                worker, event = self.events.get(timeout=1.0)
            except queue.Empty:
                for seat in self.seats:
                    if seat.order:
                        seat.note()
                continue
            for seat in self.seats:
                if worker is seat.worker:
                    return seat, event

    def _end(self, seat: _Seat, event: dict[str, Any]) -> str | None:
        """Return how an order ended: done, failed, busy, stopped or, if it is another seat's now,
        unfit; None while it goes on."""
        kind = event["event"]
        if kind == "progress":
            seat.note(step=event["step"], steps=event["steps"])
            return None
        if kind == "note":
            say(f"note: {event['text']}")
            return None
        if kind == "exit":
            return self._died(seat, event["code"])
        if kind == "unfit":
            say(event["error"])
            self.stop(10.0, [seat])
            if any(not other.unfit for other in self.seats if other is not seat):
                seat.unfit = True  # else it would take one run after the other, to fail them
                return "unfit"
            if seat.order is not None and seat.order.do == "run":
                self.store.fail(seat.order.spec, event["error"], "", now())
            return "failed"
        if kind == "done":
            self.deaths = 0
            say(f"done: {100 * event['accuracy']:.1f} %, {event['wall_s']:.0f} s · {event['id']}")
        if kind == "features":
            if event["error"]:
                say(f"no features: {event['error']}; the runs will compute their own")
            return "done"
        if kind == "failed":
            say(f"failed: {event['error']}")
            self.deaths = 0
            # What broke may have left the process unwell (a CUDA error stays): a new one.
            self.stop(10.0, [seat])
        if kind == "stopped":
            self.stop(10.0, [seat])
        return str(kind)

    def _died(self, seat: _Seat, code: int) -> str:
        seat.worker = None
        self.deaths += 1
        why = how_it_ended(code)
        say(why)
        if code == -signal.SIGKILL:
            time.sleep(KILLED_SECONDS)
        stopped = code == -signal.SIGTERM  # cancelled before the worker could answer it
        order = seat.order
        lost = order is not None and order.do == "run" and not self.store.has(order.spec.id)
        if order is not None and lost and not stopped:
            self.store.fail(order.spec, why, "", now())
        if self.deaths == MAX_DEATHS:
            raise RuntimeError(f"{MAX_DEATHS} workers died one after the other, the last: {why}")
        return "stopped" if stopped else "failed"

    def stop(self, seconds: float, seats: Sequence[_Seat] | None = None) -> None:
        """End workers: with a checkpoint if they manage within `seconds`, else at once."""
        workers = []
        for seat in self.seats if seats is None else seats:
            if seat.worker is not None:
                workers.append(seat.worker)
            seat.worker = None
        for worker in workers:
            worker.close()
            if seconds:
                worker.process.terminate()
        until = time.monotonic() + (seconds or 5.0)
        for worker in workers:
            try:
                worker.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                if seconds:
                    say(f"no checkpoint within {seconds:.0f} s; the last periodic one stands")
                worker.process.kill()
                worker.process.wait()
