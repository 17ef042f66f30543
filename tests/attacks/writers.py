"""Many processes at once on one store: each run is done once, or its first record stands."""

from __future__ import annotations

import fcntl
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.attacks import inputs
from tests.attacks.child import Child, one_backbone
from tests.attacks.kills import SCENARIOS, contents, differing
from tests.attacks.outcomes import Case, Judged


def _no_locks(*_: Any) -> None:
    raise OSError(95, "Operation not supported")


SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
KINDS: dict[str, tuple[Callable[[Path], None], Callable[[Path], int], bool]] = {
    "sweep run": (inputs.with_sweep, SCENARIO["sweep run"].work, True),
    "sweep run, no file locks": (inputs.with_sweep, SCENARIO["sweep run"].work, False),
    "leaderboard merge": (inputs.archive, SCENARIO["leaderboard merge"].work, True),
    "report": (inputs.store, SCENARIO["report"].work, True),
}
"""Name -> what there is before, the call that all make, and whether the file system has locks."""


class Crowd:
    """One of them: what there is before, and what one alone leaves."""

    def __init__(self, name: str, root: Path, use: Callable[[], None]) -> None:
        make, self.work, self.locks = KINDS[name]
        self.use = use
        self.folder = root / name.replace(" ", "-").replace(",", "")
        self.template = self.folder.with_suffix(".before")
        make(self.folder)
        shutil.copytree(self.folder, self.template)
        ended = Child(self._one).wait()
        assert ended.status == 0, ended
        self.alone = contents(self.folder)

    def attack(self, writers: int) -> Judged:
        """Let so many begin at once; then one more, which must find all done."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.template, self.folder)
        children = [Child(self._one) for _ in range(writers)]
        ended = [child.wait(300) for child in children]
        last = Child(self._one).wait()
        for one in (*ended, last):
            if one.hung or "Traceback" in one.out + one.err:
                return Judged("hang" if one.hung else "traceback", one.err[-300:], writers)
            # 1: another held a run; it says so, and a script does not take it for done
            if one.status and (one is last or "another process" not in one.err):
                return Judged("crash", f"status {one.status}: {one.err[-300:]}", writers)
        found = contents(self.folder)
        left, other = differing(found, self.alone)
        if other:
            return Judged("torn", "; ".join(sorted(other)), writers)
        return Judged("leftovers" if left else "right", "; ".join(sorted(left)), writers)

    def _one(self) -> int:
        if not self.locks:
            fcntl.flock = _no_locks
        self.use()
        return self.work(self.folder)


def cases(writers: int, seed: int, root: Path, most: int = 6) -> list[Case]:
    """Return crowds of 2 to `most` writers, `writers` in all."""
    inputs.data(root / "model")
    use = one_backbone(root / "model" / "clip")
    rng = random.Random(seed)
    crowds = [Crowd(name, root, use) for name in KINDS]
    found: list[Case] = []
    while writers > 0:
        size = rng.randint(2, most)
        writers -= size
        crowd = crowds[len(found) % len(crowds)]
        name = list(KINDS)[len(found) % len(crowds)]
        found.append(Case("writers", name, partial(crowd.attack, size)))
    return found
