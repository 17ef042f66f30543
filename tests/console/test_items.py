from __future__ import annotations

import pytest

from harness.console.items import EVERY, track


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("harness.console.items.time", clock)
    return clock


def test_all_items_come_and_quick_work_says_nothing(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(track("abc", 3, "reading")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


def test_slow_work_says_now_and_then_how_long_the_rest_takes(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in track(range(2000), 2000, "reading"):
        clock.now += 0.5
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "reading: 3 of 2,000, about 17 min left"
    assert lines[1] == "reading: 44 of 2,000, about 16 min left"
    assert len(lines) == pytest.approx(1000 / EVERY, abs=2)
