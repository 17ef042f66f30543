"""Progress of a cost measurement, with the time left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from harness.console.display import duration


class CostProgress:
    """A context manager: a bar on a terminal, a line for each part elsewhere.

    A part is one method in one round, or its memory. What is left is estimated from the longest
    that each method took for a part so far.
    """

    def __init__(self, labels: list[str], rounds: int, memory: bool) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.left = dict.fromkeys(labels, rounds + memory)
        self.seconds: dict[str, float] = {}
        self.current: tuple[str, float] | None = None
        self.bars = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
            console=self.console, disable=not self.console.is_terminal, transient=True,
        )  # fmt: skip
        self.task = self.bars.add_task("", total=sum(self.left.values()))

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bars.stop()

    def __call__(self, label: str, what: str) -> None:
        """Note that the part before is done and what comes next."""
        now = time.monotonic()
        if self.current is not None:
            before, began = self.current
            self.seconds[before] = max(self.seconds.get(before, 0.0), now - began)
            self.left[before] -= 1
            self.bars.advance(self.task)
        self.current = (label, now)
        text = f"{label}: {what}{self._estimate()}"
        self.bars.update(self.task, description=text)
        if not self.console.is_terminal:
            self.console.print(text, markup=False, soft_wrap=True)

    def _estimate(self) -> str:
        if len(self.seconds) < len(self.left):
            return ""
        seconds = sum(self.seconds[label] * parts for label, parts in self.left.items())
        return f" · about {duration(seconds)} left"
