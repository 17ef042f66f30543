"""Where verbs print and write: one width where there is no terminal, one error of a bad --out."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

_SPELT = {"±": "+/-", "†": "[+]", "‡": "[-]"}

WIDTH = 160
"""Characters of a line of a table in a file or a pipe, which have no width to fit."""


def print_anywhere() -> None:
    """Make stdout and stderr spell what their encoding lacks, and show bytes that are no text."""
    codecs.register_error("spelt", _spelt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spelt")


def _spelt(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    spelt = "".join(
        _SPELT.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in lacking
    )
    return spelt, error.end


def table_console(least: int = WIDTH) -> Console:
    """Return the console for tables on stdout: of the terminal's width, elsewhere `least`."""
    from harness.console.terminal import Terminal

    console = Terminal()
    return console if console.is_terminal else Terminal(width=max(console.width, least))


@contextmanager
def writing(path: Path, option: str = "--out") -> Iterator[None]:
    """Turn a failure to write `path` into one line that names the option to change.

    Raises:
        UserError: For any OSError of the block.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write {path} ({reason}); give another {option}") from None
