"""`leaderboard verify`: a line for each archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.store.exchange.archive import export
from tests.store.exchange.stores import filled, spec


def test_a_good_and_a_bad_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.tar.gz", tmp_path / "bad.tar.gz"
    export(filled(tmp_path / "store", spec(0), spec(1)), good)
    bad.write_bytes(good.read_bytes()[:100])
    assert main(["leaderboard", "verify", str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: ok, 2 run(s)\n"
    assert main(["leaderboard", "verify", str(bad), str(good)]) == 1
    *problems, last = capsys.readouterr().out.splitlines()
    assert problems
    assert all(line.startswith(f"{bad}: ") for line in problems)
    assert last == f"{good}: ok, 2 run(s)"
