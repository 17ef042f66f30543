"""What every data set has, whatever its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from tests.conftest import make_folder


def test_a_folder_with_one_domain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_folder(tmp_path / "data", domains=1)
    assert main(["run", "finetune", "--dataset", "folder", "--data-root", str(root)]) == 2
    said = capsys.readouterr().err
    assert "has one domain (domain0); leaving one out needs at least two" in said
    assert said.count("\n") == 1
