"""`quickstart`: the embedded sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.sweep.file import plan_sweep, read_sweep


@pytest.mark.parametrize(
    ("options", "sweep"), [([], "quickstart"), (["--fast"], "quickstart-fast")]
)
def test_the_sweep_that_is_run(
    options: list[str], sweep: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    assert main(["quickstart", "--dry-run", "--store", str(store), *options]) == 0
    runs = plan_sweep(read_sweep(sweep), None).runs
    assert f"{len(runs)} runs" in capsys.readouterr().out
    assert not store.exists()
