"""What a check of a plugin says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "FAIL", "warn", "skip"]


class Wrong(Exception):
    """A check's finding: what to change, why, and what was expected and seen."""

    def __init__(self, change: str, why: str = "", expected: str = "", seen: str = "") -> None:
        super().__init__(change)
        self.change = change
        self.why = why
        self.expected = expected
        self.seen = seen


class Skip(Exception):
    """The check does not apply; the message says why."""


@dataclass(frozen=True)
class Result:
    """The outcome of one check of one plugin."""

    plugin: str
    """Its name, or its file where no plugin was found in it."""
    check: str
    status: Status
    message: str = ""
    """What to change; of a check that was left out, why."""
    why: str = ""
    """What goes wrong otherwise."""
    expected: str = ""
    seen: str = ""
    where: str = ""
    """``file:line`` of the plugin, if it raised."""
    seconds: float = 0.0
