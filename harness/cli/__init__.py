"""The command line: a verb is a file, its parser beside its handler, loaded when it is called."""

from harness.cli.main import main

__all__ = ["main"]
