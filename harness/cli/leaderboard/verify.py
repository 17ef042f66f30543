"""``leaderboard verify``: what is wrong with archives."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.sweep.calls import one_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `leaderboard verify`."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    """Print one line per problem; 1 if there is any."""
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
