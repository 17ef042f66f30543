"""``leaderboard verify``: what is wrong with archives."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import options
from harness.store.store import Store
from harness.sweep.calls import one_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `leaderboard verify`."""
    options.plugin(parser)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--repeat", type=int, default=0, metavar="N", help="run N of each archive's runs again"
    )
    parser.add_argument(
        "--salt", default="", help="which runs: a text that the sender does not know"
    )
    parser.add_argument(
        "--signers", type=Path, metavar="FILE", help="OpenSSH's list of those who may sign"
    )
    options.data_root(parser)


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
                if args.signers is not None:
                    bad |= not _signed(file, args.signers)
                if args.repeat:
                    bad |= not _repeated(archive.store, args, str(file))
    return 1 if bad else 0


def _repeated(store: Store, args: argparse.Namespace, name: str) -> bool:
    """Run some runs again; tell whether none came out otherwise."""
    from harness.execution.repeat import repeat, sampled

    good = True
    for one in repeat(sampled(store, args.repeat, args.salt), args.data_root):
        print(one_line(f"{name}: {one.spec.title()} ({one.spec.id}): {one.text}"))
        good &= one.equal is not False
    return good


def _signed(file: Path, signers: Path) -> bool:
    """Say who signed an archive; tell whether somebody who may did."""
    from harness.errors import UserError
    from harness.store.exchange.signature import signer_of

    try:
        print(one_line(f"{file}: signed by {signer_of(file, signers)}"))
    except UserError as error:
        print(one_line(str(error)))
        return False
    return True
