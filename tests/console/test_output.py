from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.console.output import WIDTH, table_console, writing
from harness.errors import UserError


def test_where_there_is_no_terminal_lines_are_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert table_console().width == WIDTH
    assert table_console(200).width == 200
    monkeypatch.setenv("COLUMNS", "230")
    assert table_console(200).width == 230


def test_a_terminal_keeps_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.setenv("COLUMNS", "90")
    assert table_console().width == 90


def test_numbers_are_not_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    for least in (WIDTH, 10):
        console = table_console(least)
        console.file = io.StringIO()
        console._color_system = None
        console.print("12.3")
        assert console.file.getvalue() == "12.3\n"


def test_a_failure_to_write_names_file_reason_and_option(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "x.md"
    with pytest.raises(UserError) as error, writing(path, "--dir"):
        path.write_text("")
    assert str(error.value) == f"cannot write {path} (Not a directory); give another --dir"
    match = r"cannot write a \(odd\); give another --out"
    with pytest.raises(UserError, match=match), writing(Path("a")):
        raise OSError("odd")


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(ValueError, match="not about files"), writing(Path("a")):
        raise ValueError("not about files")
