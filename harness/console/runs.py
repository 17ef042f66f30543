"""Progress of many runs, always with the time left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from rich.progress import TaskID, TextColumn

from harness.console.progress import ProgressDisplay, duration
from harness.specs import RunSpec


class TimeLeft(Protocol):
    """What learns from finished runs how long the others take."""

    def add(self, spec: RunSpec, seconds: float) -> None:
        """Note how long a run took."""

    def left(
        self, waiting: Sequence[RunSpec], running: Sequence[tuple[RunSpec, float]], workers: int
    ) -> float | None:
        """Return seconds left, or None if nothing is known."""


class RunsProgress(ProgressDisplay):
    """A bar of all runs and one for each worker; a line for each run that ended."""

    def __init__(
        self, total: int, skipped: int, gpus: Sequence[str], store: Path, estimate: TimeLeft
    ) -> None:
        super().__init__(TextColumn("{task.fields[note]}"))
        self.total = total
        self.finished = 0
        several = len(set(gpus)) > 1
        self.places = [f" · GPU {gpu}" if several else "" for gpu in gpus]
        self.estimate = estimate
        self.running: dict[int, tuple[RunSpec, float]] = {}
        self.waiting: list[RunSpec] = []
        self.head = self.bars.add_task("runs", total=total, note="")
        self.rows: dict[int, TaskID] = {}
        already = f", {skipped} already done" if skipped else ""
        names = ", ".join(dict.fromkeys(gpus))
        where = f"GPU {names}" if names else "the CPU"
        self.say(f"{total} runs on {len(gpus)} worker(s) on {where}{already}; store: {store}")

    def started(self, worker: int, spec: RunSpec) -> None:
        """Show a worker's new run."""
        self.running[worker] = (spec, time.monotonic())
        steps = max(int(spec.config.get("steps") or 1), 1)
        if worker not in self.rows:
            self.rows[worker] = self.bars.add_task("", total=steps, note="")
        title = spec.title() + self.places[worker]
        self.bars.reset(self.rows[worker], total=steps, description=title, note="loading")

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
        seconds = self.estimate.left(self.waiting, running, len(self.places))
        return "" if seconds is None else f"about {duration(seconds)} left"

    def done(self, worker: int, spec: RunSpec, accuracy: float, wall_s: float) -> None:
        """Note a finished run."""
        _, began = self.running.pop(worker)
        self.finished += 1
        self.estimate.add(spec, time.monotonic() - began)
        # The queue shrank by what is running; drop the same number from the last known waiting.
        self.waiting = self.waiting[: self.total - self.finished]
        left = self._left()
        words = " ".join(filter(None, [spec.protocol.score_words(), f"{100 * accuracy:.1f} %"]))
        self.say(
            f"[{self.finished}/{self.total}] {_title(spec)}: {words} "
            f"({duration(wall_s)}){' · ' + left if left else ''}"
        )

    def failed(self, worker: int, spec: RunSpec, message: str) -> None:
        """Note a run that did not end in a record."""
        self.running.pop(worker, None)
        self.finished += 1
        self.say(f"[{self.finished}/{self.total}] {_title(spec)}{self.places[worker]} {message}")


def _title(spec: RunSpec) -> str:
    """Return a run's title; a trial differs from its neighbours in its values alone."""
    given = spec.given if spec.protocol.score_words() else {}
    return " · ".join([spec.title(), *(f"{key}={value}" for key, value in given.items())])
