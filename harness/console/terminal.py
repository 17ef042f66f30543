"""rich's console as verbs use it."""

from __future__ import annotations

from rich.console import Console


class Terminal(Console):
    """A console without highlighting, to which a reader that leaves (head, less) is no failure."""

    def __init__(self, width: int | None = None, soft_wrap: bool = False) -> None:
        super().__init__(width=width, soft_wrap=soft_wrap, highlight=False)

    def on_broken_pipe(self) -> None:
        """Leave it to `main`, which ends the command as done; rich would end it as failed."""
        raise BrokenPipeError
