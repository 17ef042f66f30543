"""What the user calls the harness by, for messages that say what to type next."""

from __future__ import annotations

import sys
from pathlib import Path

from harness import resources

SCRIPT = "run_benchmark.py"
CONSOLE = "clip-bench"
FROM_CHECKOUT = f"python {SCRIPT}"


def command_name() -> str:
    """Return ``clip-bench``, or ``python run_benchmark.py`` with the path as it was given.

    From Python or a notebook: what would do here.
    """
    first = sys.argv[0] if sys.argv else ""
    if Path(first).name == SCRIPT:
        return f"python {first}"
    if Path(first).stem == CONSOLE:
        return CONSOLE
    return CONSOLE if resources.INSTALLED else FROM_CHECKOUT


def program() -> str:
    """Return the first word of ``usage:`` lines: ``clip-bench`` or ``run_benchmark.py``."""
    return CONSOLE if command_name() == CONSOLE else SCRIPT
