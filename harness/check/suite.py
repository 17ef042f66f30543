"""Runs a list of checks on a plugin; one that raises leaves the others running."""

from __future__ import annotations

import inspect
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import torch

from harness.check.result import Result, Skip, Status, Wrong
from harness.errors import UserError, error_line, line_of

S = TypeVar("S")


@dataclass(frozen=True)
class Check(Generic[S]):
    """One claim about a plugin."""

    name: str
    test: Callable[[S], None]
    """Raises Wrong, or Skip; whatever else it raises came from the plugin."""
    needs: tuple[str, ...] = ()
    """Checks without which this one would only repeat their finding."""
    advice: bool = False
    """A finding is a warning, no failure."""


def run_checks(
    plugin: str, file: str, checks: Sequence[Check[S]], subject: S, leave_out: frozenset[str]
) -> Iterator[Result]:
    """Yield the result of each check, in order.

    Args:
        plugin: What the results call it.
        file: Its source file, to find the line that raised; may be empty.
        checks: What to run; those needed come before those that need them.
        subject: What the checks get.
        leave_out: Names of checks not to run.
    """
    lost: set[str] = set()
    for check in checks:
        if check.name in leave_out:
            continue
        missing = [name for name in check.needs if name in lost]
        start = time.perf_counter()
        if missing:
            result = Result(plugin, check.name, "skip", f"fix '{missing[0]}' first")
        else:
            result = _run(plugin, file, check, subject, start)
        if missing or result.status == "FAIL":
            lost.add(check.name)
        yield result


def _run(plugin: str, file: str, check: Check[S], subject: S, start: float) -> Result:
    bad: Status = "warn" if check.advice else "FAIL"

    def result(status: Status, message: str = "", **texts: str) -> Result:
        found = Result(plugin, check.name, status, message, **texts)  # type: ignore[arg-type]
        return replace(found, seconds=round(time.perf_counter() - start, 3))

    try:
        with _randomness_kept():
            check.test(subject)
    except Skip as reason:
        return result("skip", str(reason))
    except Wrong as wrong:
        return result(bad, wrong.change, why=wrong.why, expected=wrong.expected, seen=wrong.seen)
    except (Exception, SystemExit) as error:  # the plugin's; it must not take the others down
        text = str(error) if isinstance(error, UserError) else error_line(error)
        return result(bad, text, where=line_of(error, file))
    return result("ok")


@contextmanager
def _randomness_kept() -> Iterator[None]:
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def file_of(cls: type) -> str:
    """Return the file that a plugin's class stands in, or an empty text."""
    try:
        return inspect.getfile(cls)
    except (OSError, TypeError):
        return ""
