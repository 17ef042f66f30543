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
    options.records(parser)
    options.where(parser, None)


def run(args: argparse.Namespace) -> int:
    """Run the sweeps one by one; 1 if something failed."""
    import sys
    from pathlib import Path

    from harness.cli.running import run_here
    from harness.sweep.file import expand_sweep, plan_of, read_sweep

    status = 0
    for file in args.file:
        sweep = read_sweep(file)
        if len(args.file) > 1:
            print(f"sweep {sweep.name}: {sweep.description}", file=sys.stderr)
        specs = expand_sweep(sweep, args.data_root, file, outline=args.dry_run)
        store = args.store or Path("results") / sweep.name
        ended = run_here(specs, args, store, plan_of(sweep, specs), sweep.keep_weights)
        if ended == 130:
            return ended
        status = max(status, ended)
    return status
