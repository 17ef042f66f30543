"""``data verify NAME``: what is missing, wrong or extra."""

from __future__ import annotations

import argparse
import json

from rich.table import Table

from harness import registry
from harness.cli import options
from harness.console.terminal import Terminal
from harness.data.verify import FolderReport
from harness.data.verify import verify as verify_folder
from harness.sweep.calls import parse_pair


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `data verify`."""
    options.plugin(parser)
    options.data_root(parser, "the folder that holds the data sets")
    options.as_json(parser)
    parser.add_argument("name", help="data set")
    parser.add_argument("--option", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument(
        "--decode", action="store_true", help="decode every image, not some headers"
    )


def run(args: argparse.Namespace) -> int:
    """Print what is wrong; 0 if the folder is complete, else 1."""
    root = args.data_root.expanduser() if args.data_root else None
    given = dict(parse_pair(text, "--option") for text in args.option)
    verdict = verify_folder(registry.dataset_class(args.name), root, args.decode, given)
    if args.json:
        print(json.dumps(verdict.as_json(), indent=1))
    else:
        _print(verdict)
    return 0 if verdict.complete else 1


def _print(verdict: FolderReport) -> None:
    console = Terminal(soft_wrap=True)
    of = f" of {verdict.expected_classes}" if verdict.expected_classes else ""
    console.print(f"{verdict.dataset} at {verdict.root or 'the repository'}", markup=False)
    console.print(f"classes: {verdict.classes}{of}; looked at: {verdict.checked}", markup=False)
    if verdict.counts:
        table = Table("domain", "split", "images", "expected", box=None)
        about = "" if verdict.counts_certain else "about "
        for row in verdict.counts:
            expected = "" if row.expected is None else f"{about}{row.expected:,}"
            table.add_row(row.domain, row.split, f"{row.found:,}", expected)
        console.print(table)
    for problem in verdict.problems:
        console.print(f"{problem.kind}: {problem.text}", markup=False)
    console.print("complete" if verdict.complete else "NOT complete", markup=False)
