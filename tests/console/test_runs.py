from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.console.runs import RunsProgress
from harness.protocols.domain_shift import DomainShift
from harness.protocols.trial import Trial
from harness.specs import RunSpec
from tests.console.test_items import Clock
from tests.report.fakes import spec


class Known:
    """An estimate of ten seconds a run, once one is known."""

    def __init__(self) -> None:
        self.noted: list[float] = []

    def add(self, spec: RunSpec, seconds: float) -> None:
        self.noted.append(seconds)

    def left(
        self, waiting: Sequence[RunSpec], running: Sequence[tuple[RunSpec, float]], workers: int
    ) -> float | None:
        spent = sum(seconds for _, seconds in running)
        return (10 * len(waiting) + spent) / workers if self.noted else None


def test_every_run_that_ends_is_a_line_with_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    monkeypatch.setattr("harness.console.runs.time", clock)
    runs = [spec("a", "noto", seed) for seed in range(4)]
    estimate = Known()
    with RunsProgress(4, 2, ["0", "GPU-7"], Path("s"), estimate) as display:
        display.started(0, runs[0])
        display.started(1, runs[1])
        display.refresh(runs[2:])
        display.progress(0, 3, 10)
        clock.now += 7
        display.done(0, runs[0], 0.5, 6.0)
        display.failed(1, runs[1], "failed: E")
        assert display.running == {}
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "4 runs on 2 worker(s) on GPU 0, GPU-7, 2 already done; store: s"
    assert lines[1] == f"[1/4] {runs[0].title()}: 50.0 % (6 s) · about 14 s left"  # (20 + 7) / 2
    assert lines[2] == f"[2/4] {runs[1].title()} · GPU GPU-7 failed: E"
    assert estimate.noted == [7.0]


def test_before_anything_is_known_no_time_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    run = spec("a")
    estimate = Known()
    estimate.add = lambda spec, seconds: None  # type: ignore[method-assign]
    with RunsProgress(1, 0, [""], Path("s"), estimate) as display:
        display.started(0, run)
        display.done(0, run, 1.0, 61.0)
    assert capsys.readouterr().err.splitlines() == [
        "1 runs on 1 worker(s) on the CPU; store: s",
        f"[1/1] {run.title()}: 100.0 % (1 min)",
    ]


def test_what_waits_shrinks_with_every_run_that_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = [spec("a", "noto", seed) for seed in range(3)]
    with RunsProgress(3, 0, [""], Path("s"), Known()) as display:
        display.started(0, runs[0])
        display.refresh(runs[1:])
        for run, after in zip(runs, (*runs[1:], None), strict=True):
            display.done(0, run, 0.5, 6.0)
            if after is not None:
                display.started(0, after)
    left = [line.partition("about ")[2] for line in capsys.readouterr().err.splitlines()[1:]]
    assert left == ["20 s left", "10 s left", "0 s left"]


def test_trials_tell_their_values_and_that_the_score_is_of_validation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    trial = spec("a", protocol=Trial.within(DomainShift())).model_copy(
        update={"given": {"lr": 3e-6}}
    )
    oracle = spec("a", protocol=DomainShift(test_on="oracle"))
    with RunsProgress(2, 0, [""], Path("s"), Known()) as display:
        for run in (trial, oracle):
            display.started(0, run)
            display.done(0, run, 0.5, 1.0)
    first, second = capsys.readouterr().err.splitlines()[1:]
    assert f"{trial.title()} · lr=3e-06: validation 50.0 %" in first
    assert f"{oracle.title()}: ORACLE 50.0 %" in second
