"""`doctor`, here and with a broken plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.cli.main import main


def test_doctor_finds_this_installation_well_and_a_broken_plugin_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIP_BENCH_CACHE", str(tmp_path / "cache"))
    assert main(["doctor"]) == 0
    assert "FAIL" not in capsys.readouterr().out
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    bad = tmp_path / "bad.py"
    bad.write_text("import nothing_like_this\n")
    assert main(["doctor", "--plugin", str(bad)]) == 1
    printed = capsys.readouterr().out
    assert f"FAIL  plugins: RuntimeError: {bad}" in printed
    assert "nothing_like_this" in printed
