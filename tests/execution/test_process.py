"""What is said of a worker that is gone."""

from __future__ import annotations

import signal

import pytest

from harness.execution.process import how_it_ended


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (3, "exit status 3"),
        (-signal.SIGTERM, "signal SIGTERM"),
        (-signal.SIGKILL, "signal SIGKILL (out of memory?)"),
    ],
)
def test_how_a_worker_ended(code: int, how: str) -> None:
    assert how_it_ended(code) == f"worker process ended with {how}"
