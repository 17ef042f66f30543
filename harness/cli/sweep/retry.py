"""``sweep retry``: submit again what failed or was lost."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness.cli.sweep.naming import add_sweep
from harness.cli.sweep.submit import add_job_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep retry`."""
    add_job_options(parser)
    add_sweep(parser)
    parser.add_argument("--failed", action="store_true", help="only those that failed")
    parser.add_argument("--lost", action="store_true", help="only those whose job is gone")
    parser.add_argument(
        "--cluster", metavar="FILE|NAME", help="as the last submission if not given"
    )


def run(args: argparse.Namespace) -> int:
    """Submit failed and lost runs, on the cluster and data of the last submission."""
    from harness.cli.sweep.naming import find_plan
    from harness.cli.sweep.submitting import submit
    from harness.errors import UserError
    from harness.execution.slurm.ledger import Ledger
    from harness.execution.slurm.status import RunState

    store, planned = find_plan(args.sweep, args.store)
    submissions = [
        s for s in Ledger(store.root).submissions() if s.sweep == planned.name and s.arrays
    ]
    if not submissions:
        raise UserError(f"{store.root}: '{planned.name}' was never submitted; use `sweep submit`")
    wanted: set[RunState] = set()
    if args.failed or not args.lost:
        wanted.add("failed")
    if args.lost or not args.failed:
        wanted.add("lost")
    name = args.cluster or submissions[-1].cluster
    if args.data_root is None or args.cache_dir is None or not args.plugin:
        _as_before(args, submissions[-1])
    return submit(args, store.root, planned, name, frozenset(wanted))


def _as_before(args: argparse.Namespace, last: Any) -> None:
    """Fill in what `retry` was not given from the last submission's tasks and snapshot."""
    from harness import registry
    from harness.execution.slurm.ledger import read_task

    context = read_task(last.arrays[0].folder / "0.json").context
    args.data_root = args.data_root or context.data_root
    args.cache_dir = args.cache_dir or context.cache
    args.log = args.log or context.log
    if not args.plugin:
        here = {Path(file).name for file in registry.plugin_files()}  # found in ./methods as before
        for path in context.plugins:
            if Path(path).name not in here:
                registry.add_plugin_file(path)
