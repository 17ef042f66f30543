"""What a kind of input is, and what its judge looks at."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.attacks import spoil
from tests.attacks.child import Ended
from tests.attacks.outcomes import Judged


@dataclass(frozen=True)
class Look:
    """What the judge sees: the changed input and what came of it, and the same of the valid one."""

    folder: Path
    ended: Ended
    before: Path
    first: Ended

    @property
    def took(self) -> Any:
        """What the program understood."""
        return json.loads((self.folder / "took.json").read_text())

    @property
    def took_before(self) -> Any:
        """What it understood of the valid input."""
        return json.loads((self.before / "took.json").read_text())

    def verdict(self, fits: bool, why: str) -> Judged:
        """Return right for an unchanged understanding, meant for a changed one that fits."""
        if not fits:
            return Judged("silent", why)
        return Judged("right" if self.took == self.took_before else "meant")


@dataclass(frozen=True)
class Kind:
    """One kind of input."""

    name: str
    make: Callable[[Path], object]
    """Writes a valid one into a folder that is not there yet."""
    files: str
    """Which of its files are changed: a pattern."""
    spoilers: Sequence[spoil.Spoiler]
    verb: Callable[[Path], int]
    """Gives it to the program; runs in a child."""
    judge: Callable[[Look], Judged]
    """Judges exit status 0."""
    names: str = ""
    """A pattern of what a refusal names, if not the changed file."""


def told(folder: Path, value: Any) -> int:
    """Leave for the judge what the program understood."""
    (folder / "took.json").write_text(json.dumps(value, default=str))
    return 0


def same(given: Any, read: Any) -> bool:
    """Tell whether a value was read as what it says: 5 is 5.0 and "5", true is no number."""
    if isinstance(given, dict) and isinstance(read, dict):
        return all(key in read and same(value, read[key]) for key, value in given.items())
    if isinstance(given, list | tuple) and isinstance(read, list | tuple):
        return len(given) == len(read) and all(map(same, given, read))
    if isinstance(given, bool) or isinstance(read, bool) or given is None or read is None:
        return given is read
    try:
        return math.isclose(float(given), float(read), rel_tol=1e-12)
    except (TypeError, ValueError, OverflowError):
        return str(given) == str(read)
