"""What a verb says beside its result: on stderr, as much as ``-q`` and ``-v`` ask for."""

from __future__ import annotations

import sys
from typing import Literal

Level = Literal[-1, 0, 1]
"""Quiet, as usual, verbose."""

_level: Level = 0


def set_level(level: Level) -> None:
    """Choose how much is said from now on, in this process."""
    global _level
    _level = level


def quiet() -> bool:
    """Tell whether only results and what went wrong are wanted."""
    return _level < 0


def verbose() -> bool:
    """Tell whether tracebacks are wanted."""
    return _level > 0


def note(text: str) -> None:
    """Say how it goes, where results are or what to do next, at once; ``-q`` leaves it out."""
    if not quiet():
        print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Say what went wrong or is left out, however quiet the user wants it."""
    print(text, file=sys.stderr, flush=True)
