"""Progress over many files: a bar on a terminal, a line now and then elsewhere, with time left."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.console.display import duration

T = TypeVar("T")
EVERY = 20.0
"""Seconds between two lines where there is no terminal."""


def track(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield the items and show on stderr how many of `total` are done and how long the rest takes.

    Nothing is shown before a second has passed.
    """
    console = Console(stderr=True, highlight=False)
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
        TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    start = time.monotonic()
    said = start - EVERY + 1.0
    with bars:
        task = bars.add_task(what, total=total)
        for done, item in enumerate(items, 1):
            yield item
            bars.advance(task)
            now = time.monotonic()
            if not console.is_terminal and now - said > EVERY:
                said = now
                left = duration((now - start) / done * max(total - done, 0))
                console.print(f"{what}: {done:,} of {total:,}, about {left} left", markup=False)
