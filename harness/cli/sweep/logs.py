"""``sweep logs RUN``: a run's own log, and with ``--job`` its job's."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import options
from harness.console.notes import note
from harness.errors import UserError
from harness.specs import RunSpec
from harness.store.store import Store
from harness.tune.choice import runs_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep logs`."""
    options.store(parser, "all in results/")
    parser.add_argument("run", metavar="RUN", help="its id, or the first digits")
    parser.add_argument("--job", action="store_true", help="what Slurm and submitit wrote, too")


def run(args: argparse.Namespace) -> int:
    """Print the logs."""
    roots = [args.store] if args.store else [p.parent for p in Path("results").glob("*/sweeps")]
    for root in roots:
        store = Store(root)
        found = (run for plan in store.plans() for run in runs_of(plan, store))
        runs: dict[str, RunSpec] = {run.id: run for run in found}
        matches = [run_id for run_id in runs if run_id.startswith(args.run)]
        if len(matches) > 1:
            raise UserError(f"run {args.run}: {len(matches)} begin so; give more digits")
        if matches:
            return _show_logs(store, runs[matches[0]], args.job)
    where = ", ".join(map(str, roots)) or "results/"
    raise UserError(f"run {args.run}: not in {where}; `sweep status --json` has the ids")


def _show_logs(store: Store, spec: RunSpec, job: bool) -> int:
    from harness.execution.slurm.ledger import Ledger
    from harness.execution.slurm.status import job_places

    place = job_places(Ledger(store.root).submissions()).get(spec.id)
    shown = 0
    paths = [store.run_dir(spec.id) / "log.txt", store.work_dir(spec.id) / "log.txt"]
    if place is not None and place.job and (job or not any(p.is_file() for p in paths)):
        paths = [place.array.folder / f"{place.job}_0_log.out", *paths]
    for path in paths:
        if path.is_file():
            print(f"==> {path} <==")
            sys.stdout.write(path.read_text(encoding="utf-8", errors="replace"))
            shown += 1
    failure = store.failure(spec.id)
    if failure is not None:
        print(f"==> failed {failure.attempts} time(s), last {failure.when}: {failure.error}")
    if not shown:
        note(f"{spec.title()} ({spec.id}) has no log yet")
    return 0
