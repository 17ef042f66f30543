"""Prepared images on disk: whole or a miss, whoever writes, however little room there is."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.data.slots import SlotFile

SHAPE = (3, 4, 4)
STRIDE = 12 + 48


def image(number: int) -> Tensor:
    return torch.full(SHAPE, number % 251, dtype=torch.uint8)


def opened(folder: Path, limit: int = 10**6, key: str = "key", count: int = 100) -> SlotFile:
    return SlotFile(folder, key, count, SHAPE, limit)


def test_what_was_written_is_read_by_others_and_nothing_else(tmp_path: Path) -> None:
    slots = opened(tmp_path)
    assert slots.read(0) is None
    for number in (0, 7, 99):
        slots.write(number, image(number))
    again = opened(tmp_path)
    for number in range(100):
        found = again.read(number)
        if number in (0, 7, 99):
            assert found is not None
            assert torch.equal(found, image(number))
        else:
            assert found is None
    assert opened(tmp_path, key="other").read(7) is None


@pytest.mark.parametrize("at", [0, 5, 11, 12, 40, 59])
def test_a_damaged_slot_is_a_miss(tmp_path: Path, at: int) -> None:
    slots = opened(tmp_path)
    for number in (3, 4):
        slots.write(number, image(number))
    (file,) = tmp_path.rglob("*.slots")
    data = bytearray(file.read_bytes())
    data[3 * STRIDE + at] ^= 4
    file.write_bytes(data)
    assert slots.read(3) is None
    assert slots.read(4) is not None
    file.write_bytes(data[: 4 * STRIDE + 20])  # cut
    assert slots.read(4) is None


def test_a_slot_moved_to_another_number_is_a_miss(tmp_path: Path) -> None:
    slots = opened(tmp_path)
    slots.write(3, image(3))
    (file,) = tmp_path.rglob("*.slots")
    data = file.read_bytes()
    file.write_bytes(data + data[3 * STRIDE :])
    assert slots.read(3) is not None
    assert slots.read(4) is None


def test_of_what_does_not_fit_every_kth_is_kept(tmp_path: Path) -> None:
    slots = opened(tmp_path, limit=60 * STRIDE)
    for number in range(100):
        slots.write(number, image(number))
    kept = [number for number in range(100) if slots.read(number) is not None]
    assert kept == list(range(0, 100, 4))
    (file,) = tmp_path.rglob("*.slots")
    assert file.stat().st_size <= 30 * STRIDE
    nothing = opened(tmp_path / "none", limit=2 * STRIDE - 1)
    nothing.write(0, image(0))
    assert nothing.read(0) is None
    assert not (tmp_path / "none").exists()


def test_the_longest_unused_files_make_room(tmp_path: Path) -> None:
    for age, key in ((300, "old"), (200, "used"), (100, "new")):
        slots = opened(tmp_path, key=key)
        for number in range(100):
            slots.write(number, image(number))
        (file,) = [f for f in tmp_path.rglob("*.slots") if time.time() - f.stat().st_mtime < 50]
        os.utime(file, (time.time() - age,) * 2)
    size = sum(f.stat().st_blocks * 512 for f in tmp_path.rglob("*.slots"))
    opened(tmp_path, key="used")
    opened(tmp_path, limit=size, key="another")  # with them it would be too much
    assert opened(tmp_path, key="old", limit=0).read(1) is None
    left = [opened(tmp_path, key=key).read(1) is not None for key in ("old", "used", "new")]
    assert left == [False, True, True]


def fill(arguments: tuple[Path, int]) -> None:
    folder, _ = arguments
    slots = opened(folder)
    for _ in range(20):
        for number in range(100):
            slots.write(number, image(number))


def test_writers_at_once_never_show_a_torn_image(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3) as pool:
        writing = [pool.submit(fill, (tmp_path, n)) for n in range(3)]
        slots = opened(tmp_path)
        while not all(future.done() for future in writing):
            for number in range(100):
                found = slots.read(number)
                assert found is None or torch.equal(found, image(number))
        for future in writing:
            future.result()
    assert all(slots.read(number) is not None for number in range(100))


def test_a_folder_that_cannot_be_written_is_done_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pixels").write_text("a file")
    slots = opened(tmp_path)
    slots.write(0, image(0))
    assert slots.read(0) is None
    assert "prepared images are not kept" in capsys.readouterr().out
