"""``sweep run FILE ...``: run what is missing, and keep the plans in the store."""

from __future__ import annotations

import argparse

from harness.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep run`."""
    options.plugin(parser)
    parser.add_argument(
        "file", nargs="+", help="YAML file, or the name of one in sweeps/; several, one by one"
    )
    parser.add_argument(
        "--again",
        action="append",
        default=[],
        metavar="METHOD",
        help="repeat this method's or row's runs that are done, or `all` (repeatable); the old "
        "records are kept in <store>/replaced",
    )
    options.records(parser)
    options.where(parser, None)


def run(args: argparse.Namespace) -> int:
    """Run the sweeps one by one; 1 if something failed."""
    from pathlib import Path

    from harness.cli.running import carry_out, prepare
    from harness.cli.sweep.tuned import run_tuned
    from harness.console.notes import note
    from harness.sweep.file import plan_sweep, read_sweep

    status = 0
    for file in args.file:
        sweep = read_sweep(file)
        if len(args.file) > 1:
            note(f"sweep {sweep.name}: {sweep.description}")
        plan = plan_sweep(sweep, args.data_root, file, outline=args.dry_run)
        store = args.store or Path("results") / sweep.name
        if plan.searches:
            ended = run_tuned(plan, args, store, sweep.keep_weights)
        else:
            runs = list(plan.runs)
            ended = carry_out(prepare(runs, args, store, plan, sweep.keep_weights))
        if ended == 130:
            return ended
        status = max(status, ended)
    return status
