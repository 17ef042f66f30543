from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from harness.store.files import write_atomically
from harness.store.store import Store
from tests.store.made import record
from tests.test_specs import spec


def test_files_have_the_mode_that_the_users_mask_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        Store(tmp_path).write(record(spec()), b"npz")
        write_atomically(tmp_path / "table.md", b"x")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes["record.json"] == modes["table.md"] == 0o640
    assert modes[spec().id] == 0o750


def test_an_interrupted_write_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    write_atomically(path, b"old")

    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("harness.store.files.os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
