"""What was submitted: written before Slurm is asked, so that nothing submitted is ever unknown."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UserError
from harness.execution.context import Context
from harness.execution.slurm.cluster import Resources
from harness.specs import RunSpec
from harness.store.files import write_atomically
from harness.validation import validated

BEAT_SECONDS = 5.0
STALE_SECONDS = 180.0


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JobTask(_Part):
    """What one job does; a file of its own, which the job reads."""

    context: Context
    state_file: Path
    features: tuple[RunSpec, ...] = ()
    runs: tuple[RunSpec, ...] = ()
    attempts: dict[str, int] = Field(default_factory=dict)
    """Per run, how often it had failed before: a requeued job does not repeat its own failures."""
    signal_delay_s: int = 90
    gpus: int = 0
    runs_per_gpu: int = 1
    """Runs at a time on each of them; without a GPU one at a time."""


class TaskState(_Part):
    """What a worker of a job is doing right now, written by the job every few seconds."""

    job: str
    node: str
    run: str = ""
    """The run under way; empty between runs and while features are computed."""
    step: int = 0
    steps: int = 0
    since: float = 0.0
    """When the run under way began, seconds since 1970 of the node's clock."""
    updated: float = 0.0


class SubmittedArray(_Part):
    """One sbatch call."""

    name: str
    folder: Path
    resources: Resources
    tasks: tuple[tuple[str, ...], ...]
    """Run ids, per task."""
    after: tuple[str, ...] = ()
    job_ids: tuple[str, ...] = ()
    """Slurm's, per task: ``17_0``, or ``17`` for a lone one. Empty until sbatch has answered."""
    cancelled: str = ""
    """When and by whom; tasks that were waiting then are forgotten by the scheduler."""

    def array_id(self) -> str:
        """Return Slurm's id of the whole array."""
        return self.job_ids[0].partition("_")[0] if self.job_ids else ""


class Submission(_Part):
    """What one `sweep submit` or `sweep retry` gave to Slurm."""

    id: str
    sweep: str
    when: str
    user: str
    host: str
    cluster: str
    """How the cluster file was named."""
    snapshot: Path
    arrays: tuple[SubmittedArray, ...]
    attempts: dict[str, int] = Field(default_factory=dict)
    complete: bool = False
    """All arrays were submitted."""

    def comment(self, array: SubmittedArray) -> str:
        """Return what Slurm keeps beside the job, by which it is found if we lost its id."""
        return f"clip-bench:{self.id}:{array.name}"


class Ledger:
    """The submissions of a store."""

    def __init__(self, store: Path) -> None:
        self.root = store / "slurm"

    def write(self, submission: Submission) -> None:
        """Add or replace a submission."""
        text = submission.model_dump_json(indent=1)
        write_atomically(self.root / "submissions" / f"{submission.id}.json", text.encode())

    def submissions(self) -> list[Submission]:
        """Return all, oldest first.

        Raises:
            UserError: For a file that cannot be read.
        """
        found = []
        for path in sorted((self.root / "submissions").glob("*.json")):
            try:
                text = path.read_text(encoding="utf-8")
                found.append(Submission.model_validate_json(text))
            except (OSError, ValueError) as error:
                why = str(error).splitlines()[0]
                raise UserError(f"{path}: cannot be read ({why}); restore or delete it") from None
        return found

    def task_file(self, submission: str, array: str, number: int) -> Path:
        """Return the file that a job reads."""
        return self.root / "jobs" / submission / array / f"{number}.json"

    def state_file(self, submission: str, array: str, number: int) -> Path:
        """Return the file in which a job says what its first worker does."""
        return self.root / "jobs" / submission / array / f"{number}.state"

    def states(self, submission: str, array: SubmittedArray, number: int) -> list[TaskState]:
        """Return what the workers of a job last did, if they ever did anything."""
        file = self.state_file(submission, array.name, number)
        found = []
        for seat in range(array.resources.seats):
            with suppress(OSError, ValueError):
                text = state_of_seat(file, seat).read_text(encoding="utf-8")
                found.append(TaskState.model_validate_json(text))
        return found

    def submitting(self) -> bool:
        """Tell whether somebody holds the lock."""
        return (self.root / "lock").exists()

    @contextmanager
    def lock(self, say: Callable[[str], None], stale: float = STALE_SECONDS) -> Iterator[None]:
        """Hold the store's submission lock; wait while another process does.

        A file created exclusively, which shared file systems support where they do not support
        locks of the kernel's. Its holder touches it every few seconds; when it has not changed for
        `stale` seconds of the waiter's own clock (no two clocks are compared), its holder is gone.
        """
        path = self.root / "lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = f"{socket.gethostname()} pid {os.getpid()} {uuid.uuid4().hex}"
        self._take(path, mine, say, stale)
        done = threading.Event()

        def beat() -> None:
            while not done.wait(BEAT_SECONDS):
                with suppress(OSError):
                    os.utime(path)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            with suppress(OSError):
                if path.read_text() == mine:
                    path.unlink()

    def _take(self, path: Path, mine: str, say: Callable[[str], None], stale: float) -> None:
        seen: tuple[str, int] | None = None
        since = time.monotonic()
        told = False
        while True:
            aside = path.with_name(f".lock.{uuid.uuid4().hex}")
            aside.write_text(mine)
            try:
                os.link(aside, path)  # atomic also on NFS, and complete with its content
                return
            except FileExistsError:
                pass
            finally:
                aside.unlink(missing_ok=True)
            try:
                now = (path.read_text(), path.stat().st_mtime_ns)
            except OSError:
                continue
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > stale:
                gone = path.with_name(f".lock.stale.{uuid.uuid4().hex}")
                with suppress(OSError):
                    path.rename(gone)
                    gone.unlink()
                continue
            if not told:
                say(f"waiting: {now[0].rsplit(' ', 1)[0]} is submitting to this store ({path})")
                told = True
            time.sleep(0.2)


def state_of_seat(file: Path, seat: int) -> Path:
    """Return the file of a job's worker, beside the first one's."""
    return file.with_name(f"{file.name}{seat or ''}")


def read_task(path: Path) -> JobTask:
    """Return what a job is to do.

    Raises:
        UserError: If the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); submit again") from None
    task: JobTask = validated(JobTask, json.loads(text), str(path))
    return task
