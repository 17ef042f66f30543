"""A shell takes the script and completes with it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.cli import main

ASK = r"""
source {script}
name=$(complete -p clip-bench | sed 's/.*-F \([^ ]*\).*/\1/')
completed() {{
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    $name; echo "${{COMPREPLY[@]}}"
}}
completed clip-bench exp
completed clip-bench report --fo
"""


def test_bash_completes_verbs_and_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "clip-bench.bash"
    script.write_text(capsys.readouterr().out, encoding="utf-8")
    ask = ASK.format(script=script)
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    verbs, report = done.stdout.splitlines()
    assert verbs.split() == ["export", "export-results"]
    assert "--format" in report.split()


def test_without_the_package_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert "pip install shtab" in capsys.readouterr().err
