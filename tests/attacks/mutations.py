"""Valid inputs, changed at random by a seed and given to the verb that reads them."""

from __future__ import annotations

import random
import re
import shutil
from functools import cache, partial
from pathlib import Path

from tests.attacks.child import Child, Ended
from tests.attacks.kinds import KINDS
from tests.attacks.look import Kind, Look
from tests.attacks.outcomes import Case, Judged

SECONDS = 20


class Subject:
    """One kind, with a valid input and what the program makes of it."""

    def __init__(self, kind: Kind, root: Path) -> None:
        self.kind = kind
        self.folder = root / kind.name.replace(" ", "-").replace(",", "")
        self.template = self.folder.with_suffix(".valid")
        self.undisturbed = self.folder.with_suffix(".undisturbed")
        kind.make(self.folder)
        shutil.copytree(self.folder, self.template)
        self.first = Child(lambda: kind.verb(self.folder)).wait()
        assert self.first.status == 0, (kind.name, self.first)
        self.folder.rename(self.undisturbed)

    def attack(self, draw: str) -> Judged:
        """Change the input as `draw` says, call the program, judge; the change is said first."""
        rng = random.Random(draw)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)
        file = rng.choice(sorted(self.folder.glob(self.kind.files)))
        change = rng.choice(self.kind.spoilers)(rng, file)
        said = f"{file.relative_to(self.folder)}: {change}"
        ended = Child(lambda: self.kind.verb(self.folder)).wait(SECONDS)
        try:
            found = self._judged(ended, file)
        except Exception as error:  # the judge's own fault: to be seen, not to end the others
            found = Judged("crash", f"the judge: {error!r}; {ended.err[-200:]}")
        return Judged(found.outcome, f"{said}: {found.detail}")

    def _judged(self, ended: Ended, file: Path) -> Judged:
        if ended.hung:
            return Judged("hang", f"no end within {SECONDS} s")
        if "Traceback (most recent call last)" in ended.err + ended.out:
            return Judged("traceback", ended.err.strip().splitlines()[-1])
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", ended.err + ended.out):
            return Judged("untidy", f"control characters: {ended.err[:200]!r}")
        if ended.status == 0:
            return self.kind.judge(Look(self.folder, ended, self.undisturbed, self.first))
        if ended.status not in (1, 2):
            return Judged("crash", f"exit status {ended.status}: {ended.err[-200:]}")
        lines = [line for line in ended.err.splitlines() if re.match(r"(\S.*: )?error: ", line)]
        if ended.status == 2 and len(lines) != 1:
            return Judged("untidy", f"{len(lines)} lines of error: {ended.err[:300]}")
        said = ended.err + ended.out
        if (
            not re.search(self.kind.names or re.escape(file.stem), said)
            and file.parent.name not in said
        ):
            return Judged("untidy", f"names no place: {ended.err[:300]}")
        return Judged("refused", (lines or ended.err.splitlines() or [""])[0])


def cases(mutations: int, seed: int, root: Path) -> list[Case]:
    """Return mutations, in turn of every kind; number and seed make one again.

    Args:
        mutations: How many.
        seed: Of what is drawn.
        root: Where they happen.
    """
    subject = cache(lambda kind: Subject(kind, root))  # made when it is first attacked

    def attack(kind: Kind, number: int) -> Judged:
        return subject(kind).attack(f"{seed}:{number}")

    turns = [KINDS[number % len(KINDS)] for number in range(mutations)]
    return [
        Case("mutations", kind.name, partial(attack, kind, number))
        for number, kind in enumerate(turns)
    ]
