"""The fingerprint that is kept is the data set's, or is asked for again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.data.fingerprints import fingerprint_of
from harness.dataset import Dataset
from harness.specs import DatasetSpec
from harness.sweep.plan import open_dataset
from tests.datasets.minis import make_mini


def opened(root: Path) -> Dataset:
    return open_dataset(DatasetSpec(name="PACS"), root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_mini(tmp_path / "data")


def test_it_is_asked_for_once(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    want = opened(root).fingerprint()
    assert fingerprint_of(opened(root), tmp_path) == want
    monkeypatch.setattr(Dataset, "fingerprint", lambda self: pytest.fail("asked again"))
    assert fingerprint_of(opened(root), tmp_path) == want


def test_files_that_come_go_or_are_replaced_change_it(root: Path, tmp_path: Path) -> None:
    seen = {fingerprint_of(opened(root), tmp_path)}
    folder = root / "PACS/photo/dog"
    (folder / "new.jpg").write_bytes(b"x")
    seen.add(fingerprint_of(opened(root), tmp_path))
    (folder / "other").write_bytes(b"xy")
    os.replace(folder / "other", folder / "new.jpg")
    seen.add(fingerprint_of(opened(root), tmp_path))
    (folder / "new.jpg").unlink()
    assert fingerprint_of(opened(root), tmp_path) in seen
    assert len(seen) == 3


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"seen": 1}', b"\xff"])
def test_a_broken_note_is_done_without(root: Path, tmp_path: Path, content: bytes) -> None:
    want = fingerprint_of(opened(root), tmp_path)
    (note,) = (tmp_path / "fingerprints").iterdir()
    note.write_bytes(content)
    assert fingerprint_of(opened(root), tmp_path) == want
    assert fingerprint_of(opened(root), None) == want


def test_a_small_data_set_is_asked_each_time(image_folder: Path, tmp_path: Path) -> None:
    data = open_dataset(DatasetSpec(name="folder"), image_folder)
    assert fingerprint_of(data, tmp_path) == data.fingerprint()
    assert not (tmp_path / "fingerprints").exists()
