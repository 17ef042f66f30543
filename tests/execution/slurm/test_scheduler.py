"""Words of Slurm's: times and states."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from harness.execution.slurm import scheduler


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1-02:03:04", 93784), ("02:03:04", 7384), ("03:04", 184), ("UNLIMITED", None), ("", None)],
)
def test_times_of_squeue(text: str, expected: int | None) -> None:
    assert scheduler.seconds(text) == expected


def test_accounting_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "17_0|OUT_OF_MEMORY|12|n1\n17_1|CANCELLED by 7|3|n0\n17_[2-5]|PENDING|0|\n"
    answer: Any = subprocess.CompletedProcess([], 0, text, "")
    monkeypatch.setattr(scheduler, "call", lambda words, until: answer)
    monkeypatch.setattr(scheduler.shutil, "which", lambda name: name)
    found = scheduler.accounted("17", 0.0)
    assert {name: info.state for name, info in found.items()} == {
        "17_0": "OUT_OF_MEMORY", "17_1": "CANCELLED",
    }  # fmt: skip
    assert not found["17_0"].live
