"""Where verbs print and write: one width where there is no terminal, one error of a bad --out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 160
"""Characters of a line of a table in a file or a pipe, which have no width to fit."""


def table_console(least: int = WIDTH) -> Console:
    """Return the console for tables on stdout: of the terminal's width, elsewhere `least`."""
    from rich.console import Console

    console = Console(highlight=False)
    if console.is_terminal:
        return console
    return Console(width=max(console.width, least), highlight=False)


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
