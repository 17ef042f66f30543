"""Progress of a cost measurement, with the time left."""

from __future__ import annotations

import time

from harness.console.progress import ProgressDisplay, duration


class CostProgress(ProgressDisplay):
    """A bar on a terminal, a line for each part elsewhere.

    A part is one method in one round, or its memory. What is left is estimated from the longest
    that each method took for a part so far.
    """

    def __init__(self, labels: list[str], rounds: int, memory: bool) -> None:
        super().__init__()
        self.left = dict.fromkeys(labels, rounds + memory)
        self.seconds: dict[str, float] = {}
        self.current: tuple[str, float] | None = None
        self.task = self.bars.add_task("", total=sum(self.left.values()))

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
        if not self.live:
            self.say(text)

    def _estimate(self) -> str:
        if len(self.seconds) < len(self.left):
            return ""
        seconds = sum(self.seconds[label] * parts for label, parts in self.left.items())
        return f" · about {duration(seconds)} left"
