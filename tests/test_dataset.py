"""What every data set has, whatever its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.dataset import Dataset, DatasetOptions, Sample, fingerprint
from tests.conftest import make_folder


def test_a_folder_with_one_domain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_folder(tmp_path / "data", domains=1)
    assert main(["run", "finetune", "--dataset", "folder", "--data-root", str(root)]) == 2
    said = capsys.readouterr().err
    assert "has one domain (domain0); leaving one out needs at least two" in said
    assert said.count("\n") == 1


def test_a_fingerprint_is_of_names_and_sizes_in_any_order() -> None:
    files = [("a/1.png", 10), ("b/1.png", 20)]
    assert fingerprint(files) == fingerprint(reversed(files))
    assert len(fingerprint(files)) == 16
    for other in ([("a/1.png", 11), files[1]], [("a/2.png", 10), files[1]], files[:1]):
        assert fingerprint(other) != fingerprint(files)


def test_what_a_plugin_need_not_write(tmp_path: Path) -> None:
    class Plain(Dataset):
        name = "plain"

    data, sample = Plain(DatasetOptions(), tmp_path), Sample("a/1.png", 0, "a")
    data.class_names = ("x", "y")
    assert data.classes_of("a") == (0, 1)
    assert data.mask(sample) is None
    assert data.where(sample) == str(tmp_path / "a/1.png")
    assert Plain(DatasetOptions(), None).where(sample) == "plain:a/1.png"
    with pytest.raises(NotImplementedError, match=r"Plain\.read"):
        data.read(sample)
