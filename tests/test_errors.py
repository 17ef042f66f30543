"""Errors that a user can fix: one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import error_line, line_of, unknown_name


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("first\nsecond"), "ValueError: first"),
        (ValueError("only"), "ValueError: only"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_an_error_is_its_type_and_first_line(error: BaseException, line: str) -> None:
    assert error_line(error) == line


def test_a_line_is_the_innermost_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def inner():\n    1 / 0\n\ndef outer():\n    inner()\n")
    space: dict[str, object] = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    with pytest.raises(ZeroDivisionError) as caught:
        space["outer"]()  # type: ignore[operator]
    assert line_of(caught.value, str(file)) == "mine.py:2"
    assert line_of(caught.value, str(tmp_path / "other.py")) == ""
    assert line_of(caught.value, "") == ""


def test_near_names_come_first_in_their_own_case_then_all() -> None:
    said = str(unknown_name("data set", "pacs", ["emoji", "PACS"], "in f.yaml"))
    assert said == "unknown data set 'pacs': did you mean PACS? known: PACS, emoji; in f.yaml"


def test_nothing_near_and_nothing_known() -> None:
    assert str(unknown_name("row", "zzz", ["a"])) == "unknown row 'zzz': known: a"
    assert str(unknown_name("row", "zzz", [])) == "unknown row 'zzz': known: none"


def test_the_nearest_name_may_be_the_initials() -> None:
    assert "did you mean lr? " in str(unknown_name("key", "learning_rate", ["lr", "steps"]))
    assert "did you mean" not in str(unknown_name("key", "whole_thing", ["lr", "steps"]))
