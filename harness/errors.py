"""Errors that a user can fix: one line, no traceback."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Iterable
from pathlib import Path


class UserError(Exception):
    """A mistake of the user's, not of ours.

    The message is one line that names the file, field or plugin, the value, and the fix. The
    command line prints it after ``error:`` and exits with 2; every other exception keeps its
    traceback because it is our bug.
    """


def plain_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type; without a terminal's escapes."""
    lines = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class Interrupted(Exception):
    """A run was asked to stop; what it needs to continue is on disk."""


def error_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message."""
    kind, line = type(error).__name__, plain_line(error)
    return kind if line == kind else f"{kind}: {line}"


def line_of(error: BaseException, file: str) -> str:
    """Return ``name.py:12``: the innermost line of `file` that `error` passed; else nothing."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if file and frame.filename == file
    ]
    return f"{Path(file).name}:{lines[-1]}" if lines else ""


def unknown_name(kind: str, name: str, known: Iterable[str], fix: str = "") -> UserError:
    """Build the error for a name that is not in a list: nearest names first, then all of them."""
    names = sorted(known)
    lowered = {known_name.lower(): known_name for known_name in names}
    close = difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.5)
    # what people write out and we do not: learning_rate is lr
    initials = "".join(word[:1] for word in name.lower().split("_"))
    close += [initials] if len(initials) > 1 and initials in lowered and not close else []
    near = [lowered[match] for match in close]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    listing = ", ".join(names) if names else "none"
    return UserError(f"unknown {kind} '{name}': {hint}known: {listing}{'; ' + fix if fix else ''}")
