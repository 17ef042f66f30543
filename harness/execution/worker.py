"""A worker process: reads a context and then orders from stdin, one JSON a line; writes events.

Events, one JSON a line on the original stdout: ``progress`` (id, step, steps), ``done`` (id,
accuracy, wall_s), ``failed`` (id, error), ``stopped`` (id), ``busy`` (id: another process runs it),
``features`` (id: its frozen features are in the cache), ``note`` (id, text: what to know of it),
``unfit`` (id, error: nothing can be run here, e.g. on a GPU that does not answer).
Everything else that is printed goes to the run's log.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from harness.errors import Interrupted, UserError, error_line
from harness.execution.context import Context
from harness.execution.order import Order
from harness.specs import RunSpec
from harness.store.secrets import Discreet, redacted
from harness.store.store import Store
from harness.store.timestamps import now

PROGRESS_SECONDS = 0.5


class Stop:
    """Set by SIGTERM, or when the parent process is gone."""

    def __init__(self) -> None:
        self.asked = False
        self.parent = os.getppid()
        signal.signal(signal.SIGTERM, self._ask)
        # Ctrl-C reaches the whole terminal group; the parent decides and sends SIGTERM.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Slurm warns every process of a job; submitit's, our parent, acts on it.
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)

    def _ask(self, *_: Any) -> None:
        self.asked = True

    def __call__(self) -> bool:
        """Tell whether to stop at the next step."""
        return self.asked or os.getppid() != self.parent


@contextlib.contextmanager
def claimed(work_dir: Path) -> Iterator[bool]:
    """Hold the run's lock; yield False when another process holds it.

    An advisory lock of the kernel's: it ends with the process, so a killed run blocks nothing.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    with (work_dir / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            # A file system without locks: two processes may do the same run, and the first record
            # stands. On Slurm the submission ledger keeps them apart.
            pass
        yield True


def run_one(spec: RunSpec, context: Context, shared: Any, stop: Stop, out: IO[str]) -> None:
    """Run one spec and report it; every outcome is an event, and a failure also a record."""
    from harness.data.images import damaged
    from harness.execution.memory import is_out_of_memory, out_of_memory, release
    from harness.execution.run import execute

    store = Store(context.store)

    def tell(event: str, **more: Any) -> None:
        try:
            out.write(json.dumps({"event": event, "id": spec.id, **more}) + "\n")
            out.flush()
        except BrokenPipeError:  # the parent was killed: nobody is told, and the run is healthy
            stop.asked = True

    last = 0.0

    def progress(step: int, steps: int) -> None:
        nonlocal last
        if step == steps or time.monotonic() - last > PROGRESS_SECONDS:
            last = time.monotonic()
            tell("progress", step=step, steps=steps)

    with claimed(store.work_dir(spec.id)) as mine:
        if not mine:
            tell("busy")
            return
        if store.has(spec.id):
            tell("done", accuracy=store.read(spec.id).accuracy, wall_s=0.0)
            return
        log = store.work_dir(spec.id) / "log.txt"
        with (
            log.open("a", encoding="utf-8") as file,
            contextlib.redirect_stdout(cast(IO[str], Discreet(file))),
            contextlib.redirect_stderr(cast(IO[str], Discreet(file))),
        ):
            print(f"{now()} {spec.title()} · {spec.id} · pid {os.getpid()}", flush=True)
            full = False
            try:
                record = execute(spec, shared, progress, stop)
            except Interrupted:
                tell("stopped")
            except Exception as raised:
                error = out_of_memory(spec, context.device) if is_out_of_memory(raised) else raised
                if store.has(spec.id):  # done by another, without locks: its files are gone
                    tell("done", accuracy=store.read(spec.id).accuracy, wall_s=0.0)
                    return
                known = isinstance(error, UserError)
                line = redacted(str(error) if known else error_line(error))
                trace = io.StringIO()
                traceback.print_exception(raised, file=trace)
                print(trace.getvalue())
                # its frames hold the run's tensors, which the next run has a use for
                traceback.clear_frames(raised.__traceback__)
                store.fail(spec, line, trace.getvalue(), now())
                tell("failed", error=line, user=known)
                full = error is not raised
            else:
                if note := damaged():
                    tell("note", text=note)
                tell(
                    "done",
                    accuracy=record.accuracy,
                    wall_s=record.provenance.wall_s,
                )
            if full:
                release(context.device)


def compute_features(spec: RunSpec, shared: Any, out: IO[str]) -> None:
    """Put the frozen features that `spec` reads into the cache; an error is only told."""
    from harness.execution.run import prepare_features

    event = {"event": "features", "id": spec.id, "error": ""}
    try:
        prepare_features(spec, shared)
    except Exception as error:
        known = isinstance(error, UserError)
        event["error"] = redacted(str(error) if known else error_line(error))
    out.write(json.dumps(event) + "\n")
    out.flush()


def own_output() -> IO[str]:
    """Return the original stdout, for events; what is printed goes to stderr from now on."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def serve(out: IO[str]) -> None:
    """Read a context, then orders, until stdin ends or a stop is asked for."""
    stop = Stop()
    line = sys.stdin.readline()
    if not line:
        return
    context = Context.model_validate_json(line)
    from harness.execution.run import Shared

    try:
        shared = Shared(context)
    except UserError as error:
        for line in sys.stdin:
            spec = Order.model_validate_json(line).spec
            out.write(json.dumps({"event": "unfit", "id": spec.id, "error": str(error)}) + "\n")
            out.flush()
        return
    for line in sys.stdin:
        order = Order.model_validate_json(line)
        if order.do == "features":
            compute_features(order.spec, shared, out)
        else:
            run_one(order.spec, context, shared, stop, out)
        if stop():
            break


def leave() -> None:
    """End the process: unloading torch would only keep the parent waiting, for seconds."""
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    serve(own_output())
    leave()
