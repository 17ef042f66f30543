"""`leaderboard submit`: one archive, and what it prints of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from tests.store.exchange.archives import problems
from tests.store.exchange.stores import filled, spec


def test_it_says_what_is_in_the_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path / "store", spec(0), spec(1))
    out = tmp_path / "mine.tar.gz"
    assert main(["leaderboard", "submit", "--store", f"{tmp_path}/store", "--out", str(out)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{out}: 2 run(s), 1 planned and not done, 1 sweep(s), ")
    assert second == f"code: {'a' * 40} (2 run(s))"
    assert problems(out) == []


def test_a_key_that_cannot_sign_is_refused_before_the_archive_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path / "store", spec(0))
    words = ["leaderboard", "submit", "--store", f"{tmp_path}/store", "--sign", "gone"]
    assert main([*words, "--out", str(tmp_path / "mine.tar.gz")]) == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith(("error: --sign gone: ", "error: signatures need ssh-keygen"))
    assert said.out == ""
    assert not (tmp_path / "mine.tar.gz").exists()
