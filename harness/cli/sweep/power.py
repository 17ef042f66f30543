"""``sweep power``: how many seeds to run, from a pilot's store."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from harness.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep power`."""
    parser.add_argument("--store", type=Path, required=True, help="the pilot's results")
    parser.add_argument("--sweep", help="only the runs of this sweep, under its names")
    parser.add_argument(
        "--against",
        metavar="LABEL",
        help="the row that gains are over (the reference that the sweep file names)",
    )
    parser.add_argument(
        "--gain",
        type=partial(options.between, 0, 100),
        metavar="POINTS",
        help="the gain to be found (0.25, 0.5, 1 and 2)",
    )
    parser.add_argument(
        "--power",
        type=partial(options.between, 0, 1),
        default=0.8,
        help="with which it is found (%(default)g)",
    )
    parser.add_argument(
        "--alpha",
        type=partial(options.between, 0, 1),
        default=0.05,
        help="level of the test (%(default)g)",
    )


def run(args: argparse.Namespace) -> int:
    """Print a table for each block; with one gain, a sentence for each method too."""
    from harness.console.output import table_console
    from harness.errors import UserError
    from harness.report.build import Choice, report_blocks
    from harness.report.comparison.power import GAINS, power_of
    from harness.report.text.power import answers, to_terminal
    from harness.store.store import Store

    choice = Choice(sweep=args.sweep, against=args.against)
    gains = GAINS if args.gain is None else (args.gain,)
    found = [
        power_of(part.table, part.evidence.reference, gains, args.alpha, args.power)
        for part in report_blocks(Store(args.store), choice)
        if part.evidence is not None and part.evidence.reference is not None
    ]
    known = [power for power in found if any(row.std is not None for row in power.rows)]
    if not known:
        raise UserError(
            f"--store {args.store}: no two methods share two seeds whose difference varies, so "
            "there is nothing to plan by; run a pilot with three seeds or more"
        )
    console = table_console()
    for power in known:
        console.print(to_terminal(power))
        if args.gain is not None:
            for sentence in answers(power):
                console.print(sentence, markup=False, highlight=False)
    return 0
