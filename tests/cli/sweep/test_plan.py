"""`sweep plan`: says what would run."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main


def test_every_file_is_planned_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "name: {}\nmethods: [zero_shot]\ntargets: [noto]\nseeds: [{}]\n"
    files = []
    for name, seeds in (("one", "0"), ("two", "0, 1")):
        files.append(str(tmp_path / f"{name}.yaml"))
        Path(files[-1]).write_text(text.format(name, seeds))
    assert main(["sweep", "plan", *files, "--store", str(tmp_path / "store")]) == 0
    said = capsys.readouterr().out
    assert "1 runs" in said
    assert "2 runs" in said
    assert "0 done, 0 failed, 2 missing" in said
    assert not (tmp_path / "store").exists()
    assert "unknown" in said  # hours and memory: no record tells
