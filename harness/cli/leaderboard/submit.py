"""``leaderboard submit``: write one archive of a store's results, to hand on."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.store.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `leaderboard submit`."""
    parser.add_argument("--store", type=Path, required=True, help="results")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.tar.gz", help="the archive"
    )
    parser.add_argument("--sweep", help="only the runs of this sweep")
    parser.add_argument("--logs", action="store_true", help="the runs' logs, too")
    parser.add_argument(
        "--keep-host",
        action="store_true",
        help="leave host names, commands and paths in (else withheld or shortened)",
    )

    parser.add_argument(
        "--sign", type=Path, metavar="KEY", help="an OpenSSH key: writes FILE.tar.gz.sig, too"
    )


def run(args: argparse.Namespace) -> int:
    """Write the archive."""
    from harness.store.exchange.archive import export
    from harness.store.exchange.signature import check_key, sign

    if args.sign is not None:
        check_key(args.sign)
    found = export(Store(args.store), args.out, args.sweep, args.logs, args.keep_host)
    missing = f", {len(found.missing)} planned and not done" if found.missing else ""
    size = args.out.stat().st_size / 2**20
    print(
        f"{args.out}: {len(found.runs)} run(s){missing}, {len(found.sweeps)} sweep(s), "
        f"{size:.1f} MiB"
    )
    for commit, runs in found.code.items():
        dirty = "; files differed from the commit" if commit.endswith("+dirty") else ""
        print(f"code: {commit} ({runs} run(s){dirty})")
    if args.sign is not None:
        print(f"signature: {sign(args.out, args.sign)}")
    return 0
