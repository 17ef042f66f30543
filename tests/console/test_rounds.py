from __future__ import annotations

import pytest

from harness.console.rounds import CostProgress
from tests.console.test_items import Clock


def test_what_is_left_follows_from_the_longest_part_of_each_method(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    monkeypatch.setattr("harness.console.rounds.time", clock)
    with CostProgress(["a", "b"], rounds=2, memory=True) as progress:
        for label, what, seconds in (
            ("a", "round 1", 10),
            ("b", "round 1", 20),
            ("b", "round 2", 15),
            ("a", "round 2", 12),
            ("a", "memory", 1),
        ):
            progress(label, what)
            clock.now += seconds
    assert capsys.readouterr().err.splitlines() == [
        "a: round 1",
        "b: round 1",  # nothing is known of b yet
        "b: round 2 · about 1 min left",  # 2 x 10 + 2 x 20
        "a: round 2 · about 40 s left",  # 2 x 10 + 20
        "a: memory · about 32 s left",  # 12 + 20
    ]
