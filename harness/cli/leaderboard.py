"""The verbs that exchange results: leaderboard submit, verify, merge."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from harness.store.store import Store
from harness.sweep.calls import one_line


def add_actions(actions: Any) -> None:
    """Add the actions of `leaderboard`."""
    a = actions.add_parser("submit", help="write one archive of a store's results, to hand on")
    a.add_argument("--store", type=Path, required=True, help="results")
    a.add_argument("--out", type=Path, required=True, metavar="FILE.tar.gz", help="the archive")
    a.add_argument("--sweep", help="only the runs of this sweep")
    a.add_argument("--logs", action="store_true", help="the runs' logs, too")
    a.add_argument(
        "--keep-host", action="store_true",
        help="leave host names, commands and paths in (else withheld or shortened)",
    )  # fmt: skip
    a = actions.add_parser("verify", help="what is wrong with archives (exit 0 or 1)")
    a.add_argument("files", nargs="+", type=Path, metavar="FILE")
    a = actions.add_parser("merge", help="add what is new in archives to a store")
    a.add_argument("files", nargs="+", type=Path, metavar="FILE")
    a.add_argument("--store", type=Path, required=True, help="results; nothing in it is replaced")
    a.add_argument("--dry-run", action="store_true", help="only say what would be done")


def submit(args: argparse.Namespace) -> int:
    """``leaderboard submit``: write the archive."""
    from harness.store.exchange.archive import export

    found = export(Store(args.store), args.out, args.sweep, args.logs, args.keep_host)
    missing = f", {len(found.missing)} planned and not done" if found.missing else ""
    size = args.out.stat().st_size / 2**20
    print(f"{args.out}: {len(found.runs)} run(s){missing}, {len(found.sweeps)} sweep(s), "
          f"{size:.1f} MiB")  # fmt: skip
    for commit, runs in found.code.items():
        dirty = "; files differed from the commit" if commit.endswith("+dirty") else ""
        print(f"code: {commit} ({runs} run(s){dirty})")
    return 0


def verify(args: argparse.Namespace) -> int:
    """``leaderboard verify``: one line per problem."""
    from harness.store.exchange.verify import received

    bad = False
    for file in args.files:
        with received(file) as archive:
            for problem in archive.problems:
                print(one_line(f"{file}: {problem}"))
            bad |= bool(archive.problems)
            if not archive.problems:
                runs = sum(1 for _ in archive.store.records())
                print(f"{file}: ok, {runs} run(s)")
    return 1 if bad else 0


def merge(args: argparse.Namespace) -> int:
    """``leaderboard merge``: add what is new; exit 1 on problems or conflicts."""
    from harness.store.exchange.merge import merge as merged

    done = merged(args.files, Store(args.store), args.dry_run)
    if done.problems:
        for problem in done.problems:
            print(one_line(problem))
        print("nothing was added", file=sys.stderr)
        return 1
    for conflict in done.conflicts:
        print(one_line(f"CONFLICT {conflict}"))
    would = "would be " if args.dry_run else ""
    print(
        f"{len(done.added)} run(s) and {len(done.plans)} sweep(s) {would}added, {len(done.equal)} "
        f"run(s) there already, {len(done.conflicts)} conflict(s); store: {args.store}"
    )
    if done.conflicts and not args.dry_run:
        print(f"ours stay; theirs: {args.store / 'conflicts'}", file=sys.stderr)
    return 1 if done.conflicts else 0
