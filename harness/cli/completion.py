"""``completion SHELL``: print what makes a shell complete verbs and options."""

from __future__ import annotations

import argparse

SHELLS = ("bash", "zsh", "tcsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `completion`."""
    parser.add_argument("shell", choices=SHELLS, help="shell")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from harness.cli.main import build_parser
    from harness.errors import UserError

    try:
        import shtab
    except ImportError:
        raise UserError("completion needs the package shtab; pip install shtab") from None
    parser = build_parser()
    parser.prog = "clip-bench"
    print(shtab.complete(parser, args.shell))
    return 0
