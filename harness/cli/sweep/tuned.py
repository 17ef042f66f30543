"""A sweep with a search, on this machine: the trials, the choice, then all rows of the table."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.cli.running import carry_out, hours, prepare
from harness.console.notes import note
from harness.execution.estimate import Durations
from harness.specs import RunSpec
from harness.store.records import SweepPlan
from harness.store.store import Store
from harness.tune.choice import finals_of, phase, rows_of, trials_of


def run_tuned(planned: SweepPlan, args: argparse.Namespace, folder: Path, keep: bool) -> int:
    """Run what is missing of trials and rows; return the exit status.

    Where a trial neither ended nor failed (another process runs it, or ``--limit``), nothing is
    chosen yet: the same command goes on.

    Args:
        planned: The sweep.
        args: Those of `sweep run`.
        folder: The store.
        keep: Keep the weights of the table's rows.
    """
    store = Store(folder)
    trials = list(planned.trials)
    last = [*planned.runs, *(run for search in planned.searches for run in search.finals)]
    status = carry_out(prepare(trials, _of(args, trials, last), folder, planned))
    if status == 130 or (status and args.fail_fast):
        return status
    if not args.dry_run:
        note(f"{phase(planned, store)}.")
        if any(t.status == "missing" for s in planned.searches for t in trials_of(s, store)):
            note(
                "nothing is chosen before all trials of a search are done; the same command goes on"
            )
            return status
    rows = list(rows_of(planned, store))
    if rows:
        prepared = prepare(rows, _of(args, rows, trials), folder, planned, keep)
        status = max(status, carry_out(prepared))
    if args.dry_run:
        _say_finals(planned, store, [Store(path) for path in args.records])
    return status


def _of(
    args: argparse.Namespace, specs: Sequence[RunSpec], others: Iterable[RunSpec]
) -> argparse.Namespace:
    """Return the options for some of the runs: ``--again`` may name only others."""
    mine, theirs = ({n for s in part for n in (s.method, s.label)} for part in (specs, others))
    again = [name for name in args.again if name in mine or name not in theirs]
    return argparse.Namespace(**{**vars(args), "again": again})


def _say_finals(planned: SweepPlan, store: Store, others: Sequence[Store]) -> None:
    """Say how many runs wait for a choice, and how long they take."""
    done = {id(search) for search, _ in finals_of(planned, store)}
    waiting = [run for s in planned.searches if id(s) not in done for run in s.finals]
    if waiting:
        records = (record for s in (store, *others) for record in s.records())
        print(
            f"{len(planned.trials)} trials; then {len(waiting)} final runs with the values chosen, "
            f"fewer where equal: {hours(waiting, Durations(records))}"
        )
