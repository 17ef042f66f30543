"""`sweep run` from the file to table and figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.store.store import Store
from tests.sweep.small import SWEEP


def test_a_sweep_file_to_table_and_figure(
    image_folder: Path, random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SWEEP.format(model=random_clip))
    store = tmp_path / "store"
    options = [
        str(file), "--data-root", str(image_folder), "--store", str(store),
        "--cache-dir", str(tmp_path / "cache"),
    ]  # fmt: skip
    assert main(["sweep", "plan", *options]) == 0
    planned = capsys.readouterr().out
    assert "12 runs" in planned
    assert "12 missing" in planned
    assert not store.exists()  # planning writes nothing
    assert main(["sweep", "run", *options, "--limit", "5"]) == 0
    assert len(list(Store(store).records())) == 5
    assert main(["sweep", "plan", *options]) == 0
    planned = capsys.readouterr().out
    assert "5 done, 0 failed, 7 missing" in planned
    assert "of one worker's time" in planned
    assert main(["sweep", "run", *options, "--workers", "2"]) == 0
    capsys.readouterr()
    assert main(["report", "--store", str(store), "--format", "md,png"]) == 0
    files = sorted(path.name for path in (store / "report").iterdir())
    assert files == [
        "beyond.md", "comparison.md", "figure-bars.png", "table.md", "table.png",
    ]  # fmt: skip
    assert "n = 2 seeds" in (store / "report" / "table.md").read_text()
