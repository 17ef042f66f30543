"""From runs to job arrays: write down what will be submitted, then submit it."""

from __future__ import annotations

import contextlib
import getpass
import io
import re
import shlex
import shutil
import socket
import sys
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import FailedJobError
from submitit.slurm.slurm import _convert_mem, _make_sbatch_string

from harness import registry
from harness.errors import UserError
from harness.execution.context import LIMITS, Context
from harness.execution.estimate import Durations
from harness.execution.slurm import packing, scheduler, snapshot
from harness.execution.slurm.cluster import ClusterSpec, Resources
from harness.execution.slurm.job import RunPack
from harness.execution.slurm.ledger import JobTask, Ledger, Submission, SubmittedArray
from harness.execution.slurm.status import IN_HAND, RunState, RunStatus, statuses
from harness.specs import RunSpec
from harness.store.files import write_atomically
from harness.store.store import Store
from harness.store.timestamps import now


@dataclass(frozen=True)
class Request:
    """What the user asked to be submitted."""

    sweep: str
    specs: tuple[RunSpec, ...]
    cluster: ClusterSpec
    cluster_name: str
    context: Context
    """Device and threads are filled in per array."""
    durations: Durations
    wanted: frozenset[RunState] = frozenset({"missing"})
    limit: int | None = None


def job_label(sweep: str) -> str:
    """Return the name that squeue shows."""
    return "clip-" + re.sub(r"[^A-Za-z0-9._-]", "-", sweep)


def look(request: Request) -> list[RunStatus]:
    """Return where the runs are that the user asked for.

    Raises:
        UserError: If Slurm does not say where earlier submissions are.
    """
    found = statuses(Store(request.context.store), request.specs, scheduler.ACT_SECONDS)
    silent = [status for status in found if status.state == "unknown"]
    if silent:
        raise UserError(
            f"{len(silent)} run(s) were submitted before and Slurm does not say where they are "
            f"({silent[0].reason}); try again when `squeue` answers"
        )
    return found


def chosen(request: Request, found: Sequence[RunStatus]) -> list[RunSpec]:
    """Return the runs to submit: in a wanted state, and neither queued nor running."""
    runs = [s.spec for s in found if s.state in request.wanted and s.state not in IN_HAND]
    return runs[: request.limit]


def left_out(request: Request, found: Sequence[RunStatus]) -> str:
    """Return a line about runs that failed or were lost and are not submitted; empty if none."""
    again = [s for s in found if s.state in ("failed", "lost") and s.state not in request.wanted]
    counts = Counter(s.state for s in again)
    what = " and ".join(f"{n} {state}" for state, n in counts.items())
    some = ", ".join(s.spec.title() for s in again[:3]) + (" ..." if len(again) > 3 else "")
    return f"left out: {what} run(s) ({some}); `sweep retry` submits them again" if again else ""


def arrays_of(
    request: Request, runs: Sequence[RunSpec], say: Callable[[str], None]
) -> list[packing.Array]:
    """Return the arrays for `runs`; say so if there would be more jobs than ``max_jobs``."""
    kinds = {}
    for name in {spec.method for spec in runs}:
        cls = registry.method_class(name)
        kinds[name] = packing.PackKind(cls.trains, cls.frozen_image_tower)
    size = scheduler.array_size(time.monotonic() + scheduler.LOOK_SECONDS)
    arrays = packing.arrange(runs, request.cluster, kinds, request.durations.seconds, size)
    if arrays[0].least > 1:
        say(
            f"note: to keep to max_jobs: {request.cluster.max_jobs}, a job takes "
            f"{arrays[0].least} runs or more; --records STORE tells how long runs take, "
            "--runs-per-job N says how many a job takes"
        )
    return arrays


def submit(request: Request, say: Callable[[str], None]) -> Submission | None:
    """Submit what is chosen; None if that is nothing.

    Deciding and submitting happen under the store's lock: of two people who submit the same sweep
    at the same moment one waits, and then finds nothing missing. The plan of each array is on disk
    before sbatch is called.

    Raises:
        UserError: If sbatch refuses or does not answer, with its reason; arrays submitted before
            stay. If jobs could not load a plugin.
    """
    store = Store(request.context.store)
    ledger = Ledger(store.root)
    with ledger.lock(say):
        found = look(request)
        if note := left_out(request, found):
            say(note)
        runs = chosen(request, found)
        if not runs:
            return None
        code, plugins = snapshot.take(ledger.root / "snapshots", request.context.plugins)
        snapshot.check(code, plugins, request.context.plugins)
        context = request.context.model_copy(update={"plugins": plugins})
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        failures = {spec.id: store.failure(spec.id) for spec in runs}
        submission = Submission(
            id=f"{stamp}-{uuid.uuid4().hex[:6]}",
            sweep=request.sweep,
            when=now(),
            user=getpass.getuser(),
            host=socket.gethostname(),
            cluster=request.cluster_name,
            snapshot=code,
            arrays=(),
            attempts={run: failure.attempts for run, failure in failures.items() if failure},
        )
        return _submit_arrays(ledger, submission, arrays_of(request, runs, say), context)


def _submit_arrays(
    ledger: Ledger, submission: Submission, arrays: Sequence[packing.Array], context: Context
) -> Submission:
    ids: dict[str, str] = {}
    waiting = deque(arrays)
    while waiting:
        array = waiting.popleft()
        entry = _write_tasks(ledger, submission, array, context)
        accepted = submission
        submission = _with(accepted, entry)
        ledger.write(submission)
        after = [ids[name] for name in array.after]
        try:
            jobs = _sbatch(submission, entry, after)
        except (FailedJobError, OSError, RuntimeError) as error:
            reason = scheduler.said_by_sbatch(str(error))
            rest = sum(len(pack.runs) for part in waiting for pack in part.packs)
            if "timed out" in reason:
                # Slurm may have taken it all the same. The plan stays, so the jobs are recognised;
                # submitit names their input by the id that it did not get, so they do nothing.
                raise UserError(
                    f"sbatch got no answer ({reason}); jobs Slurm has all the same do nothing: "
                    "wait until `sweep status` calls their runs lost, then `sweep retry`"
                    + _accepted(accepted, rest)
                ) from None
            rest += sum(len(pack.runs) for pack in array.packs)
            shutil.rmtree(entry.folder, ignore_errors=True)
            submission = accepted
            if _SUBMIT_LIMIT.search(reason) and len(array.packs) > 1:
                waiting.extendleft(reversed(array.halves()))
                continue
            ledger.write(accepted.model_copy(update={"complete": True}))
            raise UserError(f"sbatch refused: {reason}{_accepted(accepted, rest)}") from None
        ids[array.name] = jobs[0].partition("_")[0]
        submission = _with(accepted, entry.model_copy(update={"job_ids": tuple(jobs)}))
        ledger.write(submission)
    submission = submission.model_copy(update={"complete": True})
    ledger.write(submission)
    return submission


_SUBMIT_LIMIT = re.compile("(QOS|Assoc)[A-Za-z]*Submit[A-Za-z]*Limit")
"""A limit of a QOS or an association on the jobs that one may have at a time."""


def _with(submission: Submission, entry: SubmittedArray) -> Submission:
    return submission.model_copy(update={"arrays": (*submission.arrays, entry)})


def _accepted(accepted: Submission, rest: int) -> str:
    """Return what a user is told of the arrays that came before the one that was refused."""
    if not accepted.arrays:
        return ""
    runs = sum(len(task) for array in accepted.arrays for task in array.tasks)
    ids = ", ".join(array.array_id() for array in accepted.arrays)
    later = f"; the same command submits the other {rest} later" if rest else ""
    return f"; accepted before: {runs} run(s) in Slurm's {ids} (`sweep cancel` ends them){later}"


def _write_tasks(
    ledger: Ledger, submission: Submission, array: packing.Array, context: Context
) -> SubmittedArray:
    resources = array.resources
    device = resources.resolved_device()
    decode = max(1, resources.cpus_per_task // resources.seats - resources.threads)
    placed = context.model_copy(
        update={"device": device, "threads": resources.threads, "decode_threads": decode}
        | {name: getattr(resources, name) for name in LIMITS}
    )
    for number, pack in enumerate(array.packs):
        ids = {spec.id for spec in pack.runs}
        task = JobTask(
            context=placed,
            state_file=ledger.state_file(submission.id, array.name, number),
            features=pack.features,
            runs=pack.runs,
            attempts={run: n for run, n in submission.attempts.items() if run in ids},
            signal_delay_s=resources.slurm_signal_delay_s,
            gpus=resources.gpus,
            runs_per_gpu=resources.runs_per_gpu,
        )
        file = ledger.task_file(submission.id, array.name, number)
        write_atomically(file, task.model_dump_json(indent=1).encode())
    return SubmittedArray(
        name=array.name,
        folder=ledger.root / "jobs" / submission.id / array.name,
        resources=resources,
        tasks=tuple(tuple(spec.id for spec in pack.runs) for pack in array.packs),
        after=array.after,
    )


def parameters(
    resources: Resources, label: str, comment: str, code: Path, after: Sequence[str]
) -> dict[str, Any]:
    """Return what submitit is told of an array: resources, name, environment, dependency."""
    setup = [
        *resources.slurm_setup,
        # The snapshot, not the checkout it was submitted from.
        f"export PYTHONPATH={shlex.quote(str(code))}",
        "export PYTHONSAFEPATH=1",  # nor whatever lies in the working directory
        "export HF_HUB_OFFLINE=1",
        "export WANDB_MODE=${WANDB_MODE:-offline}",
        f"export OMP_NUM_THREADS={resources.threads}",
    ]
    found = resources.submitit() | {
        "name": label,
        "slurm_comment": comment,
        "slurm_setup": setup,
        "slurm_stderr_to_stdout": True,
    }
    if after:
        # `afterany`: if the first job fails, the others compute its features for themselves.
        found["slurm_dependency"] = "afterany:" + ":".join(after)
    return found


def _sbatch(submission: Submission, array: SubmittedArray, after: Sequence[str]) -> list[str]:
    executor = submitit.AutoExecutor(
        folder=array.folder,
        cluster="slurm",
        slurm_max_num_timeout=array.resources.slurm_max_num_timeout,
    )
    comment = submission.comment(array)
    label = job_label(submission.sweep)
    executor.update_parameters(
        **parameters(array.resources, label, comment, submission.snapshot, after)
    )
    # submitit copies sbatch's messages through; a refusal is ours to say, once.
    with contextlib.redirect_stderr(io.StringIO()), executor.batch():
        jobs = [
            executor.submit(RunPack(str(array.folder / f"{number}.json")))
            for number in range(len(array.tasks))
        ]
    return [str(job.job_id) for job in jobs]


def script(
    request: Request, array: packing.Array, folder: Path, code: Path, after: Sequence[str]
) -> str:
    """Return the sbatch script that an array would be submitted with, `after` other jobs."""
    comment = f"clip-bench:<submission>:{array.name}"
    given = parameters(array.resources, job_label(request.sweep), comment, code, after)
    translate = {"timeout_min": "time", "mem_gb": "mem", "name": "job_name"}
    found = {translate.get(key, key.removeprefix("slurm_")): v for key, v in given.items()}
    if "mem" in found:
        found["mem"] = _convert_mem(found["mem"])
    if len(array.packs) > 1:
        found["map_count"] = len(array.packs)
    words = (sys.executable, "-u", "-m", "submitit.core._submit", str(folder))
    command = shlex.join(words)
    return str(_make_sbatch_string(command=command, folder=folder, **found))
