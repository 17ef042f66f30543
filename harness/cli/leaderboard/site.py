"""``leaderboard site``: a static site from stores."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `leaderboard site`."""
    parser.add_argument(
        "--store", type=Path, action="append", required=True, help="results (repeatable)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the site's folder")
    parser.add_argument("--address", default="", metavar="URL", help="where it will be served")


def run(args: argparse.Namespace) -> int:
    """Write the site."""
    from harness.console.notes import note
    from harness.report.site.build import write_site

    files = write_site(args.store, args.out, args.address, note)
    print(f"{files[-1]} ({len(files)} files); any host of static files serves {args.out}")
    return 0
