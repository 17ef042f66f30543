"""Progress over many files: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.progress import TimeRemainingColumn

from harness.console.progress import ProgressDisplay, duration

T = TypeVar("T")
EVERY = 20.0
"""Seconds between two lines where there is no terminal."""


def track(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield the items and show how many of `total` are done and how long the rest takes.

    Nothing is shown before a second has passed.
    """
    start = time.monotonic()
    said = start - EVERY + 1.0
    with ProgressDisplay(TimeRemainingColumn()) as display:
        task = display.bars.add_task(what, total=total)
        for done, item in enumerate(items, 1):
            yield item
            display.bars.advance(task)
            now = time.monotonic()
            if not display.live and now - said > EVERY:
                said = now
                left = duration((now - start) / done * max(total - done, 0))
                display.say(f"{what}: {done:,} of {total:,}, about {left} left")
