"""Features on disk: whole or a miss, and bounded together with prepared images."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import torch

from harness.data.features import FeatureFiles
from harness.data.slots import SlotFile

FEATURES = torch.arange(12, dtype=torch.float32).view(3, 1, 4)
BLOCK = 4096
"""What a small file takes of a disk, about."""


def aged(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_was_written_is_read_to_the_bit_and_nothing_else(tmp_path: Path) -> None:
    FeatureFiles(tmp_path, BLOCK).write("one", FEATURES / 3)
    found = FeatureFiles(tmp_path, BLOCK).read("one", 3)
    assert found is not None
    assert torch.equal(found, FEATURES / 3)
    assert FeatureFiles(tmp_path, BLOCK).read("other", 3) is None


def test_what_was_used_longest_ago_makes_room_and_is_then_a_silent_miss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = FeatureFiles(tmp_path, 4 * BLOCK)
    for age, name in ((300, "written first"), (200, "second"), (100, "third")):
        kept.write(name, FEATURES)
        aged(tmp_path / "features" / f"{name}.npy", age)
    assert kept.read("written first", 3) is not None  # which is a use
    kept.write("fourth", FEATURES.repeat(1, 120, 1))
    assert kept.read("second", 3) is None
    for name in ("written first", "third", "fourth"):
        assert kept.read(name, 3) is not None
    assert capsys.readouterr().out == ""


def test_prepared_images_and_features_share_the_room(tmp_path: Path) -> None:
    kept = FeatureFiles(tmp_path, 4 * BLOCK)
    slots = SlotFile(tmp_path, "key", 2, (3, 16, 16), 4 * BLOCK)
    slots.write(0, torch.ones(3, 16, 16, dtype=torch.uint8))
    (file,) = tmp_path.glob("pixels/*.slots")
    aged(file, 100)
    kept.write("small", FEATURES)
    assert file.exists()
    kept.write("large", torch.zeros(1, 2 * BLOCK // 4))
    assert not file.exists()
    assert kept.read("small", 3) is not None
    aged(tmp_path / "features" / "large.npy", 100)
    SlotFile(tmp_path, "other key", 2, (3, 16, 16), 4 * BLOCK)
    assert kept.read("large", 1) is None


def test_what_is_larger_than_all_the_room_is_not_kept_and_takes_none(tmp_path: Path) -> None:
    kept = FeatureFiles(tmp_path, 4 * BLOCK)
    kept.write("small", FEATURES)
    kept.write("huge", torch.zeros(1, 5 * BLOCK))
    assert kept.read("huge", 1) is None
    assert kept.read("small", 3) is not None
    FeatureFiles(tmp_path / "none", 0).write("small", FEATURES)
    assert not (tmp_path / "none").exists()
