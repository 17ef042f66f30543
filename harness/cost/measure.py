"""Measure every method in turns, so that ratios between them are fair on a busy machine."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Sequence

from harness.clip.backbone import Backbone
from harness.cost.flops import count_flops
from harness.cost.memory import peak_in_fresh_process
from harness.cost.record import Candidate, CostRow, CostSetting
from harness.cost.subject import Subject
from harness.execution.energy import EnergyMeter

Note = Callable[[str, str], None]
"""Called with a candidate's label and what is done with it next."""


class Measurement:
    """Rows that fill up round by round; what is there stays when the user interrupts."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        setting: CostSetting,
        backbone: Backbone,
        note: Note = lambda label, what: None,
    ) -> None:
        self.candidates = candidates
        self.setting = setting
        self.backbone = backbone
        self.note = note
        self.rows: dict[str, CostRow] = {}
        self.rounds = 0

    def measure(self, rounds: int) -> bool:
        """Do the rounds, then memory; return False if interrupted after the first round.

        Raises:
            KeyboardInterrupt: If interrupted before there is a complete round.
            UserError: What a method finds wrong with the backbone or its configuration.
        """
        try:
            for number in range(rounds):
                self._round(number)
            if not self.setting.device.startswith("cuda"):
                self._memory()
        except KeyboardInterrupt:
            if not self.rounds:
                raise
            return False
        return True

    def _round(self, number: int) -> None:
        """Time every method once, each round beginning with another one.

        One method is in memory at a time: it is built again each round.
        """
        at = number % len(self.candidates)
        times: dict[str, tuple[list[float], list[float], list[float]]] = {}
        for candidate in (*self.candidates[at:], *self.candidates[:at]):
            self.note(candidate.label, f"round {number + 1}")
            times[candidate.label] = self._turn(candidate)
        for label, (step_ms, step_j, inference_ms) in times.items():
            row = self.rows[label]
            self.rows[label] = row.model_copy(
                update={
                    "step_ms": row.step_ms + step_ms,
                    "step_j": row.step_j + step_j,
                    "inference_ms": row.inference_ms + inference_ms,
                }
            )
        self.rounds += 1

    def _turn(self, candidate: Candidate) -> tuple[list[float], list[float], list[float]]:
        subject = Subject(candidate, self.setting, self.backbone)
        times = _times(subject)
        if candidate.label not in self.rows:
            self.rows[candidate.label] = _counts(candidate, subject)
        del subject
        gc.collect()  # an optimiser is full of cycles, and the next method needs the room
        return times

    def _memory(self) -> None:
        for candidate in self.candidates:
            self.note(candidate.label, "memory")
            peak = peak_in_fresh_process(candidate, self.setting)
            row = self.rows[candidate.label]
            self.rows[candidate.label] = row.model_copy(update={"memory_mb": round(peak, 1)})


def _times(subject: Subject) -> tuple[list[float], list[float], list[float]]:
    step_ms: list[float] = []
    step_j: list[float] = []
    if subject.method.trains:
        subject.step()  # allocates what later steps find
        meter = EnergyMeter(subject.setting.device)
        times = subject.milliseconds(subject.step)
        joules = meter.joules()
        step_ms = [statistics.median(times)]
        step_j = [] if joules is None else [joules / len(times)]

    def classify() -> None:
        subject.classify(subject.images)

    classify()  # encodes the class names, where a method keeps their features
    inference_ms = statistics.median(subject.milliseconds(classify)) / len(subject.images)
    return step_ms, step_j, [inference_ms]


def _counts(candidate: Candidate, subject: Subject) -> CostRow:
    """Count what a warm subject does."""
    method = subject.method
    inference, unknown = count_flops(lambda: subject.classify(subject.images[:1]))
    step: int | None = None
    if method.trains:
        step, more = count_flops(subject.step)
        unknown = tuple(sorted({*unknown, *more}))
    cuda = subject.backbone.device.type == "cuda"
    return CostRow(
        label=candidate.label,
        method=candidate.method,
        config=candidate.config,
        trains=method.trains,
        frozen_image_tower=method.frozen_image_tower,
        total_parameters=subject.total_parameters(),
        trained_parameters=subject.trained_parameters(),
        inference_flops=inference,
        step_flops=step,
        uncounted=unknown,
        memory_mb=round(subject.peak_memory_mb(), 1) if cuda else None,
    )
