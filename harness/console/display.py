"""Progress of many runs: bars on a terminal, lines elsewhere, always with the time left."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from harness.specs import RunSpec


def duration(seconds: float) -> str:
    """Return ``45 s``, ``12 min`` or ``3 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


class Estimate:
    """Time left, from the durations of the finished runs of the same method."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.times: dict[str, list[float]] = defaultdict(list)

    def add(self, spec: RunSpec, seconds: float) -> None:
        """Note how long a run took."""
        self.times[self._key(spec)].append(seconds)

    def _key(self, spec: RunSpec) -> str:
        return f"{spec.method} {spec.config.get('steps')} {spec.dataset.name} {spec.model.title()}"

    def left(self, waiting: list[RunSpec], running: list[tuple[RunSpec, float]]) -> float | None:
        """Return seconds left, or None before anything has finished.

        Args:
            waiting: Runs not started.
            running: Runs under way, each with the seconds it has taken.
        """
        known = [seconds for times in self.times.values() for seconds in times]
        if not known:
            return None
        overall = sum(known) / len(known)

        def cost(spec: RunSpec) -> float:
            times = self.times.get(self._key(spec))
            return sum(times) / len(times) if times else overall

        total = sum(cost(spec) for spec in waiting)
        total += sum(max(cost(spec) - spent, 0.0) for spec, spent in running)
        return total / self.workers


class Display:
    """A context manager around the progress display."""

    def __init__(self, total: int, skipped: int, workers: int, store: Path) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.total = total
        self.finished = 0
        self.estimate = Estimate(workers)
        self.running: dict[int, tuple[RunSpec, float]] = {}
        self.waiting: list[RunSpec] = []
        self.live = self.console.is_terminal
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            disable=not self.live,
            transient=True,
        )
        self.head = self.bars.add_task("runs", total=total, note="")
        self.rows: dict[int, TaskID] = {}
        already = f", {skipped} already done" if skipped else ""
        self.say(f"{total} runs on {workers} worker(s){already}; store: {store}")

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

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self.console.print(text, markup=False, soft_wrap=True)

    def started(self, worker: int, spec: RunSpec) -> None:
        """Show a worker's new run."""
        self.running[worker] = (spec, time.monotonic())
        steps = max(int(spec.config.get("steps") or 1), 1)
        if worker not in self.rows:
            self.rows[worker] = self.bars.add_task("", total=steps, note="")
        self.bars.reset(self.rows[worker], total=steps, description=spec.title(), note="loading")

    def progress(self, worker: int, step: int, steps: int) -> None:
        """Show a run's step."""
        self.bars.update(self.rows[worker], completed=step, total=steps, note="steps")

    def refresh(self, waiting: list[RunSpec]) -> None:
        """Update the time left."""
        self.waiting = waiting
        self.bars.update(self.head, completed=self.finished, note=self._left())

    def _left(self) -> str:
        now = time.monotonic()
        running = [(spec, now - began) for spec, began in self.running.values()]
        seconds = self.estimate.left(self.waiting, running)
        return "" if seconds is None else f"about {duration(seconds)} left"

    def done(self, worker: int, spec: RunSpec, accuracy: float, wall_s: float) -> None:
        """Note a finished run."""
        _, began = self.running.pop(worker)
        self.finished += 1
        self.estimate.add(spec, time.monotonic() - began)
        # The queue shrank by what is running; drop the same number from the last known waiting.
        self.waiting = self.waiting[: self.total - self.finished]
        left = self._left()
        self.say(
            f"[{self.finished}/{self.total}] {spec.title()}: {100 * accuracy:.1f} % "
            f"({duration(wall_s)}){' · ' + left if left else ''}"
        )

    def failed(self, worker: int, spec: RunSpec, message: str) -> None:
        """Note a run that did not end in a record."""
        self.running.pop(worker, None)
        self.finished += 1
        self.say(f"[{self.finished}/{self.total}] {spec.title()} {message}")
