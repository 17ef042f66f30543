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
    assert "no sweep was submitted to this store" in capsys.readouterr().err
