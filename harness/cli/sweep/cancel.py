"""``sweep cancel``: cancel the jobs of a sweep that wait or run."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from harness.cli import options
from harness.cli.sweep.naming import add_sweep, find_plan
from harness.console.notes import note
from harness.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep cancel`."""
    options.store(parser)
    add_sweep(parser)


def run(args: argparse.Namespace) -> int:
    """Cancel, and note who did."""
    import getpass

    from harness.execution.slurm import scheduler
    from harness.execution.slurm.ledger import Ledger
    from harness.execution.slurm.status import recovered, statuses
    from harness.store.timestamps import now
    from harness.tune.choice import runs_of

    store, planned = find_plan(args.sweep, args.store)
    ledger = Ledger(store.root)
    runs = runs_of(planned, store)
    ids = {spec.id for spec in runs}
    with ledger.lock(note):
        try:
            until = time.monotonic() + scheduler.ACT_SECONDS
            submissions = recovered(ledger, ledger.submissions(), until)
            found = statuses(store, runs, scheduler.ACT_SECONDS)
            if any(s.state == "unknown" for s in found):
                raise UserError("Slurm does not answer; try again when `squeue` does")
            live = [s for s in found if s.state in ("running", "queued")]
            jobs = sorted({s.job for s in live if s.job})
            whole = _arrays_wholly(submissions, ids)
            # An array by its id: one request, and nothing of it can slip through in between.
            arrays_of = {job: job.partition("_")[0] for job in jobs}
            targets = sorted({a if a in whole else job for job, a in arrays_of.items()})
            if targets:
                scheduler.cancel(targets)
        except scheduler.Unreachable as error:
            raise UserError(f"Slurm did not cancel: {error}; try again") from None
        who = f"{now()} by {getpass.getuser()}"
        for submission in submissions:
            arrays = tuple(
                a.model_copy(update={"cancelled": who}) if a.array_id() in targets else a
                for a in submission.arrays
            )
            if arrays != submission.arrays:
                ledger.write(submission.model_copy(update={"arrays": arrays}))
    print(
        f"cancelled {len(jobs)} job(s), {len(live)} run(s); checkpoints stay, "
        "`sweep retry --lost` goes on"
    )
    return 0


def _arrays_wholly(submissions: Sequence[Any], ids: set[str]) -> set[str]:
    return {
        array.array_id()
        for submission in submissions
        for array in submission.arrays
        if array.job_ids and all(run in ids for runs in array.tasks for run in runs)
    }
