"""What Slurm knows of an array: one call of squeue, and sacct where that no longer helps."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.errors import UserError

LOOK_SECONDS = 20.0
"""What `status` waits for Slurm in all, however many arrays it asks for and however often Slurm's
commands would try again: twice their own default, MessageTimeout, of 10 s."""
ACT_SECONDS = 60.0
"""The same where the answer decides what is submitted or cancelled."""
ARRAY_SIZE = 1001
"""Jobs of an array, where Slurm does not say how many: its own default of MaxArraySize."""
LIVE = frozenset({
    "PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_FED",
    "REQUEUE_HOLD", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SPECIAL_EXIT",
})  # fmt: skip
STARTED = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STAGE_OUT", "SIGNALING", "STOPPED"})


class Unreachable(Exception):
    """Slurm did not answer: nothing is known, and nothing may be concluded."""


@dataclass(frozen=True)
class JobInfo:
    """One job as Slurm sees it."""

    state: str
    """Slurm's long name, e.g. ``PENDING``, ``OUT_OF_MEMORY``."""
    reason: str = ""
    node: str = ""
    elapsed_s: int | None = None

    @property
    def live(self) -> bool:
        """Whether it waits or runs."""
        return self.state in LIVE


def call(
    words: Sequence[str], until: float, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of Slurm's commands.

    Args:
        words: Command and arguments.
        until: When to give up, on the clock of ``time.monotonic``.
        given: What it reads on stdin.

    Raises:
        UserError: If it is not installed here.
        Unreachable: If it did not end in time.
    """
    if shutil.which(words[0]) is None:
        raise UserError(f"{words[0]}: command not found; run this where Slurm's commands are")
    try:
        return subprocess.run(
            list(words), capture_output=True, text=True, timeout=max(0.0, until - time.monotonic()),
            input=given,
            env={**os.environ, "LC_ALL": "C", "SLURM_TIME_FORMAT": "standard"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unreachable(f"{words[0]} did not answer in time") from None


def _squeue(until: float, *words: str) -> list[list[str]]:
    columns = "%A|%F|%K|%T|%r|%M|%L|%N|%k"
    done = call(["squeue", "-h", "-r", "-t", "all", "-o", columns, *words], until)
    if done.returncode and "Invalid job id" not in done.stderr:
        raise Unreachable(done.stderr.strip().splitlines()[-1] if done.stderr else "squeue failed")
    lines = done.stdout.splitlines() if not done.returncode else []
    return [line.split("|", 8) for line in lines if line.count("|") >= 8]


def _job(row: Sequence[str]) -> str:
    return row[0] if row[2] == "N/A" else f"{row[1]}_{row[2]}"


def queued(array_id: str, until: float) -> dict[str, JobInfo]:
    """Return the jobs of an array that the controller remembers, by id as in the ledger.

    Empty when it remembers none (they ended more than MinJobAge ago, or never were).

    Raises:
        Unreachable: If the controller does not answer.
    """
    found = {}
    for row in _squeue(until, "-j", array_id):
        _, _, _, state, reason, used, _, node, _ = row
        found[_job(row)] = JobInfo(state, reason, node, seconds(used))
    return found


def by_comment(users: Iterable[str], until: float) -> dict[str, list[str]]:
    """Return all remembered jobs of some users by their comment, in the order of their index.

    Raises:
        Unreachable: If the controller does not answer.
    """
    found: dict[str, list[str]] = {}
    for row in sorted(
        _squeue(until, "-u", ",".join(users)), key=lambda r: int(r[2]) if r[2].isdigit() else 0
    ):
        found.setdefault(row[8], []).append(_job(row))
    return found


def accounted(array_id: str, until: float) -> dict[str, JobInfo]:
    """Return what Slurm's accounting says of an array; empty where none answers."""
    if shutil.which("sacct") is None:
        return {}
    try:
        columns = "JobID,State,ElapsedRaw,NodeList"
        done = call(["sacct", "-n", "-P", "-X", "-j", array_id, "-o", columns], until)
    except Unreachable:
        return {}
    found = {}
    for line in done.stdout.splitlines() if not done.returncode else []:
        job, state, elapsed, node = (line.split("|") + [""] * 4)[:4]
        if state and "[" not in job:
            found[job] = JobInfo(state.split()[0], state, node, int(elapsed or 0))
    return found


def seconds(text: str) -> int | None:
    """Return the seconds of ``1-02:03:04``, ``02:03:04`` or ``03:04``; None for anything else."""
    days, dash, clock = text.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdigit() for part in parts) or (dash and not days.isdigit()):
        return None
    total = 0
    for part in parts:
        total = 60 * total + int(part)
    return total + 86400 * int(days or 0)


def cancel(job_ids: Sequence[str]) -> None:
    """Cancel jobs or whole arrays.

    Raises:
        Unreachable: If the controller refused or did not answer.
    """
    done = call(["scancel", *job_ids], time.monotonic() + ACT_SECONDS)
    if done.returncode and "Invalid job id" not in done.stderr:
        raise Unreachable(done.stderr.strip())


def array_size(until: float) -> int:
    """Return how many jobs an array may have here."""
    try:
        said = call(["scontrol", "show", "config"], until).stdout
    except (UserError, Unreachable):
        return ARRAY_SIZE
    sizes = re.findall(r"^MaxArraySize *= *(\d+)|max_array_tasks=(\d+)", said, re.MULTILINE)
    return max(1, min((int(a or b) for a, b in sizes), default=ARRAY_SIZE))


def said_by_sbatch(text: str) -> str:
    """Return the line of sbatch's that tells most."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("sbatch: error")]
    line = (errors or lines or ["no reason given"])[0]
    return line.removeprefix("sbatch: ").removeprefix("error: ")


def test_only(script: str, until: float) -> tuple[bool, str]:
    """Ask sbatch whether it would take a script; return that, and what it says.

    Raises:
        UserError: If there is no sbatch here.
        Unreachable: If the controller does not answer.
    """
    done = call(["sbatch", "--test-only"], until, script)
    if done.returncode and re.search("fatal:|Unable to contact|timed out", done.stderr):
        raise Unreachable(said_by_sbatch(done.stderr))
    return not done.returncode, said_by_sbatch(done.stderr)
