"""Where runs happen, from what a user says and the machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.execution.place import place, resolve_device


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)


@pytest.mark.parametrize(
    ("asked", "workers", "decoding"),
    [
        ({}, 4, 1),
        ({"threads": 2}, 2, 2),
        ({"threads": 8}, 1, 4),
        ({"workers": 3}, 3, 1),
    ],
)
def test_workers_fill_the_cores(
    asked: dict[str, int], workers: int, decoding: int, tmp_path: Path
) -> None:
    context, found = place(tmp_path, threads=asked.get("threads", 1), workers=asked.get("workers"))
    assert (found, context.decode_threads) == (workers, decoding)


def test_one_worker_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    context, workers = place(tmp_path)
    assert (context.device, workers) == ("cuda", 1)


def test_a_gpu_that_is_not_there_is_refused() -> None:
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UserError, match="device cuda:1: torch sees no CUDA device; use cpu"):
        resolve_device("cuda:1")


def test_paths_do_not_depend_on_where_a_worker_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    context, _ = place(Path("s"), Path("d"), Path("c"))
    assert (context.store, context.data_root) == (tmp_path / "s", tmp_path / "d")
    assert context.cache == tmp_path / "c"


@pytest.mark.parametrize("asked", [(0, 1), (1, 0)])
def test_numbers_below_one_are_refused(asked: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be 1 or more"):
        place(tmp_path, threads=asked[0], workers=asked[1])
