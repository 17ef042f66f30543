"""What came of attacks, counted: which outcomes are right and which are faults."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Outcome = Literal[
    "right", "meant", "refused", "leftovers",
    "untidy", "traceback", "silent", "torn", "hang", "crash",
]  # fmt: skip
MEANING: dict[Outcome, str] = {
    "right": "the result of the undisturbed input, byte for byte",
    "meant": "the input now says something else, and the result is what it says",
    "refused": "a line that names what is wrong; exit status 1 or 2",
    "leftovers": "right, and a hidden file of the killed process remains",
    "untidy": "refused with more than a line, control characters in it, or no name of the place",
    "traceback": "a Python traceback",
    "silent": "exit status 0 and a wrong number, unsaid",
    "torn": "a file half-written, lost, or not as the undisturbed call leaves it",
    "hang": "no end within the limit",
    "crash": "another end of the process",
}
FAULTS: tuple[Outcome, ...] = ("untidy", "traceback", "silent", "torn", "hang", "crash")


@dataclass(frozen=True)
class Judged:
    """What came of an attack."""

    outcome: Outcome
    detail: str = ""
    counts: int = 1
    """How many kills, mutations or writers it was."""


@dataclass(frozen=True)
class Case:
    """One attack."""

    family: str
    kind: str
    attack: Callable[[], Judged]


@dataclass(frozen=True)
class Result:
    """What came of a numbered one."""

    number: int
    family: str
    kind: str
    outcome: Outcome
    detail: str
    counts: int

    @property
    def fault(self) -> bool:
        """Tell whether it must not be."""
        return self.outcome in FAULTS


def carry_out(cases: Sequence[Case], only: Iterable[int] = (), show: bool = False) -> list[Result]:
    """Attack; return what came of each until Ctrl-C.

    Args:
        cases: The attacks.
        only: Numbers of those wanted; all if none is named.
        show: Say on stderr how far it is, and every fault as it is found.
    """
    numbers = sorted(set(only)) or range(len(cases))
    results: list[Result] = []
    began = time.monotonic()
    try:
        for place, number in enumerate(numbers, 1):
            case = cases[number]
            result = Result(number, case.family, case.kind, **vars(case.attack()))
            results.append(result)
            if show:
                _show(result, place, len(numbers), time.monotonic() - began)
    except KeyboardInterrupt:
        print("\nstopped; what is done counts", file=sys.stderr)
    return results


def _show(result: Result, place: int, of: int, seconds: float) -> None:
    if result.fault:
        print(f"\r\033[K{line(result)}", file=sys.stderr)
    left = seconds / place * (of - place)
    text = f"{result.family}: {place}/{of}, {seconds:.0f} s, about {left:.0f} s left"
    print(f"\r\033[K{text}", end="" if place < of else "\n", file=sys.stderr, flush=True)


def line(result: Result) -> str:
    """Return a result in a line."""
    said = " ".join(result.detail.split())[:300].encode("unicode_escape").decode()
    return f"{result.outcome}: {result.family} {result.number}, {result.kind}: {said}"


def markdown(results: Sequence[Result]) -> str:
    """Return a table: a row for each kind, a column for each outcome that occurred."""
    seen = [outcome for outcome in MEANING if any(r.outcome == outcome for r in results)]
    rows = [
        f"| attack | on | cases | {' | '.join(seen)} |",
        "|---|---|" + "---:|" * (len(seen) + 1),
    ]
    families = {r.family: [x for x in results if x.family == r.family] for r in results}
    for family, own in families.items():
        groups = {r.kind: [x for x in own if x.kind == r.kind] for r in own}
        for kind, members in [*groups.items(), ("**all**", own)]:
            counts: Counter[Outcome] = Counter()
            for result in members:
                counts[result.outcome] += result.counts
            cells = [counts.total(), *(counts[o] or "" for o in seen)]
            rows.append(f"| {family} | {kind} | {' | '.join(map(str, cells))} |")
    meanings = [f"- {outcome}: {MEANING[outcome]}" for outcome in seen]
    faults = [f"- {line(r)}" for r in results if r.fault]
    return "\n".join([*rows, "", *meanings, "", "Faults:", *(faults or ["none"]), ""])


def as_json(results: Sequence[Result]) -> list[dict[str, object]]:
    """Return the results for a JSON file."""
    return [asdict(result) for result in results]
