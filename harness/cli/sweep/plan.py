"""``sweep plan FILE ...``: print what it would run, and how long that takes."""

from __future__ import annotations

import argparse

from harness.cli.sweep import run as sweep_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep plan`: those of `sweep run`."""
    sweep_run.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the plans."""
    args.dry_run = True
    return sweep_run.run(args)
