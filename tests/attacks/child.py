"""A call of the program in a forked child: torch is imported once for all of them."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, Any

from harness import registry
from harness.cli import apart, running
from harness.cli.main import build_parser, main
from harness.clip.backbone import Backbone
from harness.clip.load import load_backbone
from harness.execution import run, worker
from harness.execution.context import Context
from harness.execution.local import Outcome
from harness.specs import ModelSpec, RunSpec
from harness.store.store import Store
from harness.sweep.plan import files_hash, local_files
from tests.engine import planned_here

MEMORY = 12 * 2**30
"""Address space of a child: a mutation that asks for more is to be refused, not to take it."""

MODULES = (
    "cli.published", "cli.sweep.submitting", "report.page.render", "report.page.literature",
    "store.exchange.archive", "store.exchange.merge",
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a call ended, and what it printed."""

    status: int
    """The exit status; below 0 the signal that ended it."""
    out: str
    err: str
    hung: bool = False


@cache
def warm() -> None:
    """Import here what every child would import anew."""
    build_parser()
    for name in MODULES:
        importlib.import_module(f"harness.{name}")
    registry.discover("methods")
    registry.discover("datasets")


class Child:
    """A call that runs while its starter does something else."""

    def __init__(self, work: Callable[[], int]) -> None:
        warm()
        self.files = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        self.pid = os.fork()
        if self.pid == 0:
            _serve(work, self.files)

    def wait(self, seconds: float = 60) -> Ended:
        """Return how it ended; end it after `seconds`."""
        deadline = time.monotonic() + seconds
        while not (found := os.waitpid(self.pid, os.WNOHANG))[0]:
            if hung := time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                found = os.waitpid(self.pid, 0)
                break
            time.sleep(0.003)
        else:
            hung = False
        out, err = map(_text, self.files)
        return Ended(os.waitstatus_to_exitcode(found[1]), out, err, hung)


def call(argv: Sequence[str], seconds: float = 60) -> Ended:
    """Run the program with these arguments."""
    return Child(lambda: main(argv)).wait(seconds)


def _text(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def _serve(work: Callable[[], int], files: Sequence[IO[bytes]]) -> None:
    """Do the work as a process of its own would: its output in files, then the end."""
    status = 1
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        for number, file in enumerate(files, 1):
            os.dup2(file.fileno(), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(os.fdopen(n, "wb"), "utf-8", line_buffering=True) for n in (1, 2)
        )
        running.run_local = runs_here  # type: ignore[attr-defined]
        apart.planned_apart = planned_here
        status = work()
    except SystemExit as error:  # argparse's
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def runs_here(
    specs: Sequence[RunSpec],
    context: Context,
    gpus: Sequence[str],
    fail_fast: bool = False,
    ready: None = None,
) -> Outcome:
    """Do what a worker does in this very process; every step leaves a checkpoint."""
    store = Store(context.store)
    shared = run.Shared(context.model_copy(update={"checkpoint_seconds": 0.0}))
    stop, events = worker.Stop(), io.StringIO()
    todo = [spec for spec in specs if not store.has(spec.id)]
    outcome = Outcome(skipped=len(specs) - len(todo))
    for spec in todo:
        worker.run_one(spec, shared.context, shared, stop, events)
        told: list[dict[str, Any]] = [json.loads(line) for line in events.getvalue().splitlines()]
        for event in told:
            if event["event"] == "note":
                print(event["text"], file=sys.stderr)
        last = told[-1]
        outcome.done += last["event"] == "done"
        outcome.busy += last["event"] == "busy"
        if last["event"] == "failed":
            outcome.failed.append((spec, last["error"]))
    return outcome


def one_backbone(folder: Path) -> Callable[[], None]:
    """Load a folder's model once; return what a child calls to have it, if it is not attacked."""
    loaded = load_backbone(ModelSpec(name=f"local-dir:{folder}"))
    known = files_hash(local_files(loaded.spec))

    def load(spec: ModelSpec, device: str = "cpu") -> Backbone:
        assert spec.fingerprint == known
        return replace(loaded, spec=spec)

    def use() -> None:
        run.load_backbone = load  # type: ignore[attr-defined]

    return use
