"""Verbs that name a sweep, in a store that has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main


@pytest.mark.parametrize("action", ["status", "cancel", "retry"])
def test_a_sweep_never_submitted(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", action, "nothing", "--store", str(tmp_path)]) == 2
    assert "no sweep was run or submitted to this store" in capsys.readouterr().err


def test_a_file_of_ones_own_may_have_another_name_than_its_sweep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text(
        "name: other\ndescription: d\nmodel: tiny-emoji\ndataset: emoji\ntargets: [noto]\n"
        "seeds: [0]\nmethods: [zero_shot]\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "run", "mine", "-q", "--workers", "1"]) == 0
    assert main(["sweep", "status", "mine"]) == 0
    assert "other: 1 runs" in capsys.readouterr().out
