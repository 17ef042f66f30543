"""`leaderboard merge`: what it says it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.store.exchange.archive import export
from harness.store.store import Store
from tests.store.exchange.stores import filled, spec


def test_first_as_it_would_be_then_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, store = tmp_path / "a.tar.gz", tmp_path / "mine"
    export(filled(tmp_path / "theirs", spec(0), spec(1)), archive)
    words = ["leaderboard", "merge", str(archive), "--store", str(store)]
    assert main([*words, "--dry-run"]) == 0
    assert "2 run(s) and 1 sweep(s) would be added, 0 run(s) there" in capsys.readouterr().out
    assert not store.exists()
    assert main(words) == 0
    assert "2 run(s) and 1 sweep(s) added, 0 run(s) there already" in capsys.readouterr().out
    assert main(words) == 0
    assert "0 run(s) and 0 sweep(s) added, 2 run(s) there already" in capsys.readouterr().out
    assert {record.id for record in Store(store).records()} == {spec(0).id, spec(1).id}
