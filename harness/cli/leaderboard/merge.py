"""``leaderboard merge``: add what is new in archives to a store."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.console.notes import warn
from harness.store.store import Store
from harness.sweep.calls import one_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `leaderboard merge`."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--store", type=Path, required=True, help="results; nothing in it is replaced"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def run(args: argparse.Namespace) -> int:
    """Add what is new; 1 on problems or conflicts."""
    from harness.store.exchange.merge import merge as merged

    done = merged(args.files, Store(args.store), args.dry_run)
    if done.problems:
        for problem in done.problems:
            print(one_line(problem))
        warn("nothing was added")
        return 1
    for conflict in done.conflicts:
        print(one_line(f"CONFLICT {conflict}"))
    would = "would be " if args.dry_run else ""
    print(
        f"{len(done.added)} run(s) and {len(done.plans)} sweep(s) {would}added, {len(done.equal)} "
        f"run(s) there already, {len(done.conflicts)} conflict(s); store: {args.store}"
    )
    if done.conflicts and not args.dry_run:
        warn(f"ours stay; theirs: {args.store / 'conflicts'}")
    return 1 if done.conflicts else 0
