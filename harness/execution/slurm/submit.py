"""From runs to job arrays: write down what will be submitted, then submit it."""

from __future__ import annotations

import contextlib
import getpass
import io
import re
import socket
import sys
import uuid
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
from harness.execution.context import Context
from harness.execution.estimate import Durations
from harness.execution.slurm import packing, scheduler, snapshot
from harness.execution.slurm.cluster import ClusterSpec, Resources
from harness.execution.slurm.job import RunPack
from harness.execution.slurm.ledger import JobTask, Ledger, Submission, SubmittedArray
from harness.execution.slurm.status import IN_HAND, RunState, statuses
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


def chosen(request: Request) -> list[RunSpec]:
    """Return the runs to submit: in a wanted state, and neither queued nor running.

    Raises:
        UserError: If Slurm does not say where earlier submissions are.
    """
    store = Store(request.context.store)
    found = statuses(store, request.specs, scheduler.ACT_SECONDS)
    silent = [status for status in found if status.state == "unknown"]
    if silent:
        raise UserError(
            f"{len(silent)} run(s) were submitted before and Slurm does not say where they are "
            f"({silent[0].reason}); try again when `squeue` answers"
        )
    runs = [s.spec for s in found if s.state in request.wanted and s.state not in IN_HAND]
    return runs[: request.limit]


def arrays_of(request: Request, runs: Sequence[RunSpec]) -> list[packing.Array]:
    """Return the arrays for `runs`."""
    kinds = {}
    for name in {spec.method for spec in runs}:
        cls = registry.method_class(name)
        kinds[name] = packing.PackKind(cls.trains, cls.frozen_image_tower)
    return packing.arrange(runs, request.cluster, kinds, request.durations.seconds)


def submit(request: Request, say: Callable[[str], None]) -> Submission | None:
    """Submit what is chosen; None if that is nothing.

    Deciding and submitting happen under the store's lock: of two people who submit the same sweep
    at the same moment one waits, and then finds nothing missing. The plan of each array is on disk
    before sbatch is called.

    Raises:
        UserError: If sbatch refuses or does not answer, with its reason; arrays submitted before
            stay.
    """
    store = Store(request.context.store)
    ledger = Ledger(store.root)
    with ledger.lock(say):
        runs = chosen(request)
        if not runs:
            return None
        code, plugins = snapshot.take(ledger.root / "snapshots", request.context.plugins)
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
        return _submit_arrays(ledger, submission, arrays_of(request, runs), context)


def _submit_arrays(
    ledger: Ledger, submission: Submission, arrays: Sequence[packing.Array], context: Context
) -> Submission:
    ids: dict[str, str] = {}
    for array in arrays:
        entry = _write_tasks(ledger, submission, array, context)
        done = submission.arrays
        submission = submission.model_copy(update={"arrays": (*done, entry)})
        ledger.write(submission)
        after = [ids[name] for name in array.after]
        try:
            jobs = _sbatch(submission, entry, after)
        except (FailedJobError, OSError, RuntimeError) as error:
            reason = _sbatch_reason(error)
            if "timed out" in reason:
                # Slurm may have taken it all the same. The plan stays, so the jobs are recognised;
                # submitit names their input by the id that it did not get, so they do nothing.
                raise UserError(
                    f"sbatch got no answer ({reason}); jobs Slurm has all the same do nothing: "
                    "wait until `sweep status` calls their runs lost, then `sweep retry`"
                ) from None
            ledger.write(submission.model_copy(update={"arrays": done, "complete": True}))
            raise UserError(f"sbatch refused: {reason}") from None
        ids[array.name] = jobs[0].partition("_")[0]
        entry = entry.model_copy(update={"job_ids": tuple(jobs)})
        submission = submission.model_copy(update={"arrays": (*done, entry)})
        ledger.write(submission)
    submission = submission.model_copy(update={"complete": True})
    ledger.write(submission)
    return submission


def _write_tasks(
    ledger: Ledger, submission: Submission, array: packing.Array, context: Context
) -> SubmittedArray:
    resources = array.resources
    device = resources.resolved_device()
    decode = max(1, resources.cpus_per_task - resources.threads)
    placed = context.model_copy(
        update={"device": device, "threads": resources.threads, "decode_threads": decode}
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
        f"export PYTHONPATH='{code}'",  # the snapshot, not the checkout it was submitted from
        "export PYTHONSAFEPATH=1",  # nor whatever lies in the working directory
        "export HF_HUB_OFFLINE=1",
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


def _sbatch_reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("sbatch: error")]
    return (said or lines or [type(error).__name__])[0].removeprefix("sbatch: error: ")


def script(request: Request, array: packing.Array, folder: Path, code: Path) -> str:
    """Return the sbatch script that an array would be submitted with."""
    comment = f"clip-bench:<submission>:{array.name}"
    after = [f"<id of {name}>" for name in array.after]
    given = parameters(array.resources, job_label(request.sweep), comment, code, after)
    translate = {"timeout_min": "time", "mem_gb": "mem", "name": "job_name"}
    found = {translate.get(key, key.removeprefix("slurm_")): v for key, v in given.items()}
    if "mem" in found:
        found["mem"] = _convert_mem(found["mem"])
    if len(array.packs) > 1:
        found["map_count"] = len(array.packs)
    command = f"{sys.executable} -u -m submitit.core._submit {folder}"
    return str(_make_sbatch_string(command=command, folder=folder, **found))
