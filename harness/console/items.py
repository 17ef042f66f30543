"""Progress over many files: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.progress import TimeRemainingColumn

from harness.console.progress import ProgressDisplay, duration

T = TypeVar("T")
EVERY = 20.0
"""Seconds between two lines where there is no terminal."""


def track(
    items: Iterable[T], total: int, what: str, count: Callable[[T], int] = lambda item: 1
) -> Iterator[T]:
    """Yield the items and show how many of `total` are done and how long the rest takes.

    Nothing is shown before a second has passed.

    Args:
        items: What is done, one by one or in parts.
        total: How many there are.
        what: What is being done, for the line.
        count: How many a part is.
    """
    start = time.monotonic()
    said = start - EVERY + 1.0
    with ProgressDisplay(TimeRemainingColumn()) as display:
        task = display.bars.add_task(what, total=total)
        done = 0
        for item in items:
            yield item
            done += count(item)
            display.bars.update(task, completed=done)
            now = time.monotonic()
            if not display.live and now - said > EVERY:
                said = now
                left = duration((now - start) / done * max(total - done, 0))
                display.say(f"{what}: {done:,} of {total:,}, about {left} left")
