"""``sweep submit FILE --cluster C``: give what is missing to Slurm and return."""

from __future__ import annotations

import argparse

from harness.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep submit`."""
    add_job_options(parser)
    parser.add_argument("file", help="YAML file, or the name of one in sweeps/")
    parser.add_argument(
        "--cluster", required=True, metavar="FILE|NAME", help="YAML file, or one in clusters/"
    )


def add_job_options(parser: argparse.ArgumentParser) -> None:
    """Add what `submit` and `retry` share."""
    options.plugin(parser)
    options.store(parser)
    options.data_root(parser)
    options.cache_dir(parser, shared=True)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change the cluster file: timeout_min=60, slurm_partition=gpu, alignclip.mem_gb=48",
    )
    parser.add_argument(
        "--runs-per-job", type=options.count, help="runs in a job (by their estimated length)"
    )
    parser.add_argument("--limit", type=options.count, help="submit only the first N runs")
    parser.add_argument(
        "--force",
        action="store_true",
        help="even if `sweep prepare` has not seen the files",
    )
    options.records(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print arrays, resources, scripts and GPU hours; ask sbatch",
    )
    options.log(parser)


def run(args: argparse.Namespace) -> int:
    """Submit what is missing."""
    from pathlib import Path

    from harness.cli.sweep.submitting import submit
    from harness.sweep.file import plan_sweep, read_sweep

    sweep = read_sweep(args.file)
    plan = plan_sweep(sweep, args.data_root, args.file)
    root = (args.store or Path("results") / sweep.name).resolve()
    return submit(args, root, plan, args.cluster, frozenset({"missing"}))
