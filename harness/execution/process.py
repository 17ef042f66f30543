"""A handle on a worker process: starts it, gives it orders, reads its events."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any, Literal

from harness import resources
from harness.execution.context import Context
from harness.execution.order import Order
from harness.specs import RunSpec


def begin(
    module: str, threads: int, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a Python process that is given orders, and says what comes of them, in lines."""
    inherited = resources.child_environment() | {"OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=inherited | dict(environment or {}),
        start_new_session=True,  # Ctrl-C is the parent's to handle
    )


class Worker:
    """One worker process and the thread that reads its events."""

    def __init__(
        self,
        number: int,
        context: Context,
        events: queue.Queue[tuple[Worker, Any]],
        process: subprocess.Popen[str] | None = None,
    ) -> None:
        """Begin.

        Args:
            number: Of the worker.
            context: Where its runs happen.
            events: Where what it says goes.
            process: One that will serve as a worker once it has its context; by default a new one.
        """
        self.number = number
        self.spec: RunSpec | None = None
        gpu = {"CUDA_VISIBLE_DEVICES": context.gpu} if context.gpu else {}
        self.process = process or begin("harness.execution.worker", context.threads, gpu)
        self.send(context.model_dump_json())
        threading.Thread(target=self._read, args=(events,), daemon=True).start()

    def _read(self, events: queue.Queue[tuple[Worker, Any]]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            events.put((self, json.loads(line)))
        events.put((self, {"event": "exit", "code": self.process.wait()}))

    def send(self, line: str) -> None:
        """Write one line to the worker; a dead worker is noticed by its exit event."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def start(self, spec: RunSpec, do: Literal["run", "features"] = "run") -> None:
        """Give the worker its next order: ``run``, or ``features``."""
        self.spec = spec
        self.send(Order(do=do, spec=spec).model_dump_json())

    def close(self) -> None:
        """Let the worker end after what it does now."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


def how_it_ended(code: int) -> str:
    """Return a line for the failure of a run whose worker is gone."""
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    memory = " (out of memory?)" if code == -signal.SIGKILL else ""
    return f"worker process ended with {how}{memory}"
