"""Where every run of a plan is: our records first, then Slurm."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from harness.execution.slurm import scheduler
from harness.execution.slurm.ledger import Ledger, Submission, SubmittedArray
from harness.execution.slurm.scheduler import JobInfo
from harness.specs import RunSpec
from harness.store.store import Store

RunState = Literal["done", "running", "queued", "failed", "lost", "missing", "unknown"]
STATES: tuple[RunState, ...] = ("done", "running", "queued", "failed", "lost", "missing", "unknown")
IN_HAND: frozenset[RunState] = frozenset({"done", "running", "queued", "unknown"})
"""Runs in these states must not be submitted."""
SILENT_SECONDS = 120
"""After which a job that says what it does every few seconds is remarked upon."""
ENDED = {
    "CANCELLED": "cancelled",
    "TIMEOUT": "time limit, not requeued",
    "NODE_FAIL": "node failed, not requeued",
    "OUT_OF_MEMORY": "out of memory",
    "FAILED": "the job failed",
    "PREEMPTED": "preempted, not requeued",
    "COMPLETED": "the job ended without this run",
}


@dataclass(frozen=True)
class JobPlace:
    """The job a run was last given to."""

    submission: Submission
    array: SubmittedArray
    task: int

    @property
    def job(self) -> str:
        """Slurm's id, empty while unknown."""
        return self.array.job_ids[self.task] if self.array.job_ids else ""


@dataclass(frozen=True)
class RunStatus:
    """Where one run is."""

    spec: RunSpec
    state: RunState
    reason: str = ""
    job: str = ""
    node: str = ""
    elapsed_s: float | None = None
    left_s: float | None = None
    step: int = 0
    steps: int = 0


@dataclass(frozen=True)
class Scheduled:
    """What Slurm said of the arrays asked for."""

    jobs: Mapping[str, JobInfo]
    silent: str = ""
    """Why it said nothing, if it did not answer."""


def job_places(submissions: Iterable[Submission]) -> dict[str, JobPlace]:
    """Return the newest place of every run ever submitted."""
    found: dict[str, JobPlace] = {}
    for submission in submissions:
        for array in submission.arrays:
            for number, runs in enumerate(array.tasks):
                found |= dict.fromkeys(runs, JobPlace(submission, array, number))
    return found


def recovered(ledger: Ledger, submissions: list[Submission], until: float) -> list[Submission]:
    """Return the submissions, with job ids that their submitter did not live to write down.

    Raises:
        scheduler.Unreachable: If Slurm would have to be asked and does not answer.
    """
    open_ended = [s for s in submissions if not s.complete and not all(a.job_ids for a in s.arrays)]
    if not open_ended:
        return submissions
    known = scheduler.by_comment(sorted({s.user for s in open_ended}), until)
    found = []
    for submission in submissions:
        arrays = []
        for array in submission.arrays:
            jobs = tuple(known.get(submission.comment(array), ()))
            if not array.job_ids and len(jobs) == len(array.tasks):
                array = array.model_copy(update={"job_ids": jobs})
            arrays.append(array)
        found.append(submission.model_copy(update={"arrays": tuple(arrays)}))
    return found


def ask(arrays: Sequence[SubmittedArray], until: float) -> Scheduled:
    """Ask Slurm: squeue once per array, then sacct for those that squeue no longer knows in full.

    Args:
        arrays: The arrays asked for.
        until: When to give up, on the clock of ``time.monotonic``.
    """
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda a: scheduler.queued(a.array_id(), until), arrays))
            # Only once the controller has spoken: silent accounting must not look like its silence.
            gaps = [
                array
                for array, jobs in zip(arrays, found, strict=True)
                if any(job not in jobs for job in array.job_ids)
            ]
            past = list(pool.map(lambda a: scheduler.accounted(a.array_id(), until), gaps))
    except scheduler.Unreachable as error:
        return Scheduled({}, str(error) or "Slurm did not answer")
    return Scheduled({job: info for part in (*past, *found) for job, info in part.items()})


def statuses(
    store: Store, specs: Sequence[RunSpec], patience: float = scheduler.LOOK_SECONDS
) -> list[RunStatus]:
    """Return where each run is; ``unknown`` only for submitted runs while Slurm is silent.

    Args:
        store: Where records and ledger are.
        specs: The runs.
        patience: Seconds that all calls of Slurm's commands may take together.

    Raises:
        UserError: For unreadable files of the store, or where Slurm's commands are missing and
            needed.
    """
    until = time.monotonic() + patience
    ledger = Ledger(store.root)
    done = {spec.id for spec in specs if store.has(spec.id)}
    submissions = ledger.submissions()
    # A lone interrupted submission, and only that, needs Slurm before we know what to ask for.
    silent = ""
    try:
        submissions = recovered(ledger, submissions, until)
    except scheduler.Unreachable as error:
        silent = str(error)
    where = job_places(submissions)
    open_arrays = {
        place.array.array_id(): place.array
        for spec in specs
        if spec.id not in done and (place := where.get(spec.id)) and place.job
    }
    slurm = Scheduled({}, silent) if silent else ask(list(open_arrays.values()), until)
    found = []
    for spec in specs:
        status = _status(store, ledger, spec, where.get(spec.id), slurm)
        # Its record may have come between our look at the store and Slurm's answer.
        if status.state != "done" and store.has(spec.id):
            status = RunStatus(spec, "done", job=status.job)
        found.append(status)
    return found


def _status(
    store: Store, ledger: Ledger, spec: RunSpec, place: JobPlace | None, slurm: Scheduled
) -> RunStatus:
    if store.has(spec.id):
        return RunStatus(spec, "done", job=place.job if place else "")
    failure = store.failure(spec.id)
    before = place.submission.attempts.get(spec.id, 0) if place else 0
    if failure is not None and (place is None or failure.attempts > before):
        return RunStatus(spec, "failed", failure.error, place.job if place else "")
    if place is None:
        return RunStatus(spec, "missing")
    if not place.job:
        if ledger.submitting():
            return RunStatus(spec, "queued", "being submitted")
        if slurm.silent:
            return RunStatus(spec, "unknown", slurm.silent)
        return RunStatus(spec, "lost", "its submission was interrupted")
    status = RunStatus(spec, "unknown", slurm.silent, place.job)
    if slurm.silent:
        return status
    info = slurm.jobs.get(place.job)
    if info is None or not info.live:
        return replace(status, state="lost", reason=_ended(place, info))
    if info.state not in scheduler.STARTED:
        return replace(status, state="queued", reason=info.reason)
    status = replace(status, node=info.node)
    states = ledger.states(place.submission.id, place.array, place.task)
    now = next((state for state in states if state.run == spec.id), None)
    if now is None:
        seats = place.array.resources.seats
        pace = f", {seats} runs at a time" if seats > 1 else ""
        return replace(status, state="queued", reason=f"its job runs on {info.node}{pace}")
    # On the node's own clock, plus what ours has seen since is nothing: no two clocks compared.
    spent = now.updated - now.since
    left = spent / now.step * (now.steps - now.step) if now.step else None
    # A job that was requeued has not said anything yet; what it said before is no silence.
    if time.time() - now.updated > SILENT_SECONDS and (info.elapsed_s or 0) > SILENT_SECONDS:
        status = replace(status, reason="silent for 2 min")
    return replace(
        status, state="running", elapsed_s=spent, left_s=left, step=now.step, steps=now.steps
    )


def _ended(place: JobPlace, info: JobInfo | None) -> str:
    if place.array.cancelled:
        return f"cancelled {place.array.cancelled}"
    if info is None:
        return "Slurm no longer knows its job"
    by = f" ({info.reason})" if info.reason not in ("", "None", info.state) else ""
    return ENDED.get(info.state, f"job state {info.state}") + by
