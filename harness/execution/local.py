"""The local executor: worker processes on this machine, each running one spec after another."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.console.runs import RunsProgress
from harness.execution.context import Context
from harness.execution.estimate import Durations
from harness.execution.process import Worker, how_it_ended
from harness.execution.seats import memory_gb, seated
from harness.specs import RunSpec
from harness.store.store import Store
from harness.store.timestamps import now

STOP_SECONDS = 120.0


@dataclass
class Outcome:
    """What came of a list of runs."""

    done: int = 0
    skipped: int = 0
    failed: list[tuple[RunSpec, str]] = field(default_factory=list)
    busy: int = 0
    interrupted: bool = False


def run_local(
    specs: Sequence[RunSpec],
    context: Context,
    gpus: Sequence[str] = ("",),
    fail_fast: bool = False,
    ready: subprocess.Popen[str] | None = None,
) -> Outcome:
    """Run what is not done yet; show progress; leave a record or a failure for each.

    Args:
        specs: The runs, in order.
        context: Store, device, threads.
        gpus: Of each process at a time, as `place` returns them.
        fail_fast: Stop at the first failure instead of going on with the others.
        ready: A process that will serve as the first worker, on a CPU.

    Returns:
        Counts and failures. After Ctrl-C ``interrupted`` is set, the checkpoints are written, and
        the same call continues.
    """
    store = Store(context.store)
    unique = list({spec.id: spec for spec in specs}.values())
    todo = deque(spec for spec in unique if not store.has(spec.id))
    outcome = Outcome(skipped=len(unique) - len(todo))
    if not todo:
        return outcome
    gpus = gpus[: len(todo)]
    crew = _Crew(todo, seated(context, gpus, memory_gb()), outcome, fail_fast, ready)
    progress = RunsProgress(len(todo), outcome.skipped, gpus, Path(context.store), Durations())
    with _terminate_as_interrupt(), progress as crew.display:
        try:
            crew.run()
        except KeyboardInterrupt:
            outcome.interrupted = True
            crew.stop()
        except BaseException:
            crew.kill()
            raise
    return outcome


@contextlib.contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C while inside: checkpoints are written and nothing is a failure."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set a handler
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Crew:
    """The workers and the queue of runs."""

    def __init__(
        self,
        todo: deque[RunSpec],
        contexts: Sequence[Context],
        outcome: Outcome,
        fail_fast: bool,
        ready: subprocess.Popen[str] | None = None,
    ) -> None:
        self.todo = todo
        self.contexts = contexts
        self.store = Store(contexts[0].store)
        self.outcome = outcome
        self.fail_fast = fail_fast
        self.ready = ready
        self.events: queue.Queue[tuple[Worker, Any]] = queue.Queue()
        self.workers: list[Worker] = []
        self.unfit: set[int] = set()
        """Numbers of the workers whose GPU is left out."""
        self.display: RunsProgress

    def run(self) -> None:
        """Feed the workers until nothing is left."""
        for number in range(len(self.contexts)):
            self._hire(number)
        while self.workers:
            worker, event = self._next()
            if event is not None and worker is not None:
                self._handle(worker, event)

    def _next(self) -> tuple[Worker | None, Any]:
        try:
            return self.events.get(timeout=0.5)  # returns often, so that Ctrl-C is noticed
        except queue.Empty:
            self.display.refresh(list(self.todo))
            return None, None

    def _hire(self, number: int) -> None:
        worker = Worker(number, self.contexts[number], self.events, self.ready)
        self.ready = None
        self.workers.append(worker)
        self._feed(worker)

    def _feed(self, worker: Worker) -> None:
        if self.todo:
            spec = self.todo.popleft()
            worker.start(spec)
            self.display.started(worker.number, spec)
        else:
            worker.spec = None
            worker.close()

    def _handle(self, worker: Worker, event: dict[str, Any]) -> None:
        kind, spec = event["event"], worker.spec
        if kind == "exit":
            self._lost(worker, event["code"])
            return
        if spec is None:
            return
        if kind == "progress":
            self.display.progress(worker.number, event["step"], event["steps"])
            return
        if kind == "note":
            self.display.say(f"note: {event['text']}")
            return
        if kind == "stopped":  # somebody else's SIGTERM; its checkpoint is written, another goes on
            worker.spec = None
            self.todo.appendleft(spec)
            return
        if kind == "done":
            self.outcome.done += 1
            self.display.done(worker.number, spec, event["accuracy"], event["wall_s"])
        elif kind == "failed":
            self._failed(worker, spec, event["error"])
            if not event["user"] and self.todo:
                # What broke may have left the process unwell (a CUDA error stays): a new one.
                self._replace(worker)
                return
        elif kind == "unfit":
            if len(self.unfit) + 1 < len(
                self.contexts
            ):  # else it would take one run after the other, to fail them
                self.display.say(f"left out, and its run goes to another worker: {event['error']}")
                self.unfit.add(worker.number)
                self.todo.appendleft(spec)
                self._replace(worker)
                return
            self.store.fail(spec, event["error"], "", now())
            self._failed(worker, spec, event["error"])
        elif kind == "busy":
            self.outcome.busy += 1
            self.display.failed(worker.number, spec, "is being run by another process: left to it")
        self._feed(worker)

    def _failed(self, worker: Worker, spec: RunSpec, error: str) -> None:
        self.outcome.failed.append((spec, error))
        self.display.failed(worker.number, spec, f"failed: {error}")
        if self.fail_fast:
            self.todo.clear()

    def _replace(self, worker: Worker) -> None:
        worker.spec = None  # its exit finds nothing lost, and hires another for what is left
        worker.close()

    def _lost(self, worker: Worker, code: int) -> None:
        """Handle a worker that is gone: at the end of its work, or killed in the middle of it."""
        self.workers.remove(worker)
        spec, worker.spec = worker.spec, None
        if spec is not None and not self.store.has(spec.id):
            error = how_it_ended(code)
            self.store.fail(spec, error, "", now())
            self._failed(worker, spec, error)
        if self.todo and worker.number not in self.unfit:
            self._hire(worker.number)
        elif self.todo and not self.workers:  # the others had nothing left to do, and now have
            self._hire(min(set(range(len(self.contexts))) - self.unfit))

    def stop(self) -> None:
        """Ask every worker to write its checkpoint and end; kill those that take too long."""
        self.todo.clear()
        self.display.say("stopping: checkpoints are being written (Ctrl-C again to kill)")
        for worker in self.workers:
            worker.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        try:
            for worker in self.workers:
                worker.process.wait(max(0.1, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.kill()

    def kill(self) -> None:
        """End the workers at once; their last periodic checkpoints remain."""
        for worker in self.workers:
            worker.process.kill()
            worker.process.wait()
