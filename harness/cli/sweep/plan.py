"""``sweep plan FILE ...``: print what it would run, and how long that takes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness.cli import options
from harness.cli.sweep import run as sweep_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep plan`: those of `sweep run`, and ``--json``."""
    sweep_run.add_arguments(parser)
    options.as_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the plans."""
    if args.json:
        print(json.dumps([run for file in args.file for run in _runs(file, args)], indent=1))
        return 0
    args.dry_run = True
    return sweep_run.run(args)


def _runs(file: str, args: argparse.Namespace) -> list[dict[str, object]]:
    """Return what is known of each run before it begins."""
    from harness.cli.running import state_of
    from harness.execution.estimate import Durations
    from harness.store.store import Store
    from harness.sweep.file import plan_sweep, read_sweep
    from harness.tune.choice import runs_of

    sweep = read_sweep(file)
    store = Store(args.store or Path("results") / sweep.name)
    planned = plan_sweep(sweep, args.data_root, file, outline=True)
    stores = [store, *map(Store, args.records)]
    durations = Durations(record for one in stores for record in one.records())
    return [
        {
            "sweep": sweep.name,
            "id": spec.id,
            "method": spec.label or spec.method,
            "dataset": spec.dataset.name,
            "target": spec.target,
            "seed": spec.seed,
            "state": state_of(store, spec.id),
            "seconds": durations.seconds(spec),
        }
        for spec in runs_of(planned, store)
    ]
