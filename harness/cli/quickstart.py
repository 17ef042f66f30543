"""``quickstart``: the embedded sweep, then its table and figure."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli import options

_STORE = "results/quickstart"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `quickstart`."""
    options.plugin(parser)
    parser.add_argument("--fast", action="store_true", help="one seed, few steps: under 2 minutes")
    options.where(parser, _STORE)


def run(args: argparse.Namespace) -> int:
    """Run the sweep and report it; 1 if a run failed."""
    from harness.cli.report import report
    from harness.cli.running import carry_out, prepare
    from harness.sweep.file import plan_sweep, read_sweep

    sweep = read_sweep("quickstart-fast" if args.fast else "quickstart")
    if args.fast and str(args.store) == _STORE:
        args.store = Path(f"{_STORE}-fast")
    plan = plan_sweep(sweep, None)
    status = carry_out(prepare(list(plan.runs), args, args.store, plan))
    if args.dry_run or status == 130:
        return status
    return report(args.store) or status
