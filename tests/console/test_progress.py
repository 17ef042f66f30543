from __future__ import annotations

import pytest

from harness.console.progress import ProgressDisplay, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (7, "7 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (130, "2 min"),
        (3600, "1 h 00 min"),
        (11100, "3 h 05 min"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_lines_go_to_stderr_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressDisplay() as display:
        display.say("[red]a name[/red] " + "word " * 40)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "[red]a name[/red] " + "word " * 40 + "\n"
    assert not display.live


def test_bars_end_with_the_block() -> None:
    with ProgressDisplay() as display:
        display.bars.disable = False
        display.bars.start()
        assert display.bars.live.is_started
    assert not display.bars.live.is_started
