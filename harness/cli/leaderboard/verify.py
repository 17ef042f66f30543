"""``leaderboard verify``: what is wrong with archives."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from harness.cli import options
from harness.store.store import Store
from harness.sweep.calls import one_line

_Line = tuple[bool, str]
"""Whether that is as it should be, and what is said."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `leaderboard verify`."""
    options.plugin(parser)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--repeat",
        type=options.whole,
        default=0,
        metavar="N",
        help="run N of each archive's runs again",
    )
    parser.add_argument(
        "--salt", default="", help="which runs: a text that the sender does not know"
    )
    parser.add_argument(
        "--signers", type=Path, metavar="FILE", help="OpenSSH's list of those who may sign"
    )
    options.data_root(parser)
    options.as_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print one line per problem; 1 if there is any."""
    from harness.store.exchange.signature import check_signers

    if args.signers is not None:
        check_signers(args.signers)
    found: list[dict[str, object]] = []
    for file in args.files:
        ok, said = True, []
        for good, text in _lines(file, args):
            ok &= good
            said.append(text)
            if not args.json:
                print(one_line(text), flush=True)
        found.append({"file": str(file), "ok": ok, "said": said})
    if args.json:
        print(json.dumps(found, indent=1))
    return 0 if all(one["ok"] for one in found) else 1


def _lines(file: Path, args: argparse.Namespace) -> Iterator[_Line]:
    from harness.store.exchange.verify import received

    with received(file) as archive:
        for problem in archive.problems:
            yield False, f"{file}: {problem}"
        if archive.problems:
            return
        yield True, f"{file}: ok, {sum(1 for _ in archive.store.records())} run(s)"
        if args.signers is not None:
            yield _signed(file, args.signers)
        if args.repeat:
            yield from _repeated(archive.store, args, str(file))


def _repeated(store: Store, args: argparse.Namespace, name: str) -> Iterator[_Line]:
    """Run some runs again; yield whether each came out as it was."""
    from harness.execution.repeat import repeat, sampled

    for one in repeat(sampled(store, args.repeat, args.salt), args.data_root):
        yield one.equal is not False, f"{name}: {one.spec.title()} ({one.spec.id}): {one.text}"


def _signed(file: Path, signers: Path) -> _Line:
    """Return whether somebody who may signed an archive, and who."""
    from harness.errors import UserError
    from harness.store.exchange.signature import signer_of

    try:
        return True, f"{file}: signed by {signer_of(file, signers)}"
    except UserError as error:
        return False, str(error)
