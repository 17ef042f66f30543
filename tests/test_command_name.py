from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness import registry
from harness.cli.main import main
from harness.command_name import command_name, program


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty directory, with nothing found yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})


@pytest.mark.parametrize(
    ("argv0", "called", "usage"),
    [
        ("run_benchmark.py", "python run_benchmark.py", "run_benchmark.py"),
        ("../code/run_benchmark.py", "python ../code/run_benchmark.py", "run_benchmark.py"),
        ("/home/me/venv/bin/clip-bench", "clip-bench", "clip-bench"),
        ("/usr/lib/python/pytest/__main__.py", "python run_benchmark.py", "run_benchmark.py"),
    ],
)
def test_hints_name_what_the_user_typed(
    argv0: str,
    called: str,
    usage: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", [argv0])
    assert (command_name(), program()) == (called, usage)
    with pytest.raises(SystemExit):
        main(["-h"])
    said = capsys.readouterr().out
    assert f"usage: {usage} " in said
    assert f"\n  {called} check methods/my_method.py\n" in said
    assert main(["new-method", "next_one"]) == 0
    assert f"\n  {called} check " in capsys.readouterr().out
