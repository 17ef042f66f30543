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
    assert (found, context.decode_threads) == ([""] * workers, decoding)


@pytest.fixture
def _three_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("_three_gpus")
@pytest.mark.parametrize(
    ("device", "asked", "gpus", "decoding"),
    [
        ("auto", {}, "012", 1),
        ("cuda", {"runs_per_gpu": 2}, "012012", 1),
        ("cuda", {"workers": 2}, "01", 2),
        ("cuda", {"workers": 4}, "0120", 1),
        ("cuda:1", {}, "1", 4),
        ("cuda:1", {"runs_per_gpu": 3}, "111", 1),
    ],
)
def test_workers_are_spread_over_the_gpus(
    device: str, asked: dict[str, int], gpus: str, decoding: int, tmp_path: Path
) -> None:
    context, found = place(tmp_path, device=device, **asked)  # type: ignore[arg-type]
    assert (found, context.decode_threads) == (list(gpus), decoding)
    assert context.device == ("cuda" if device == "auto" else device)


@pytest.mark.usefixtures("_three_gpus")
def test_gpus_are_those_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # torch sees three: it has no fourth one
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, GPU-7a,MIG-2,9")
    assert place(tmp_path)[1] == ["5", "GPU-7a", "MIG-2"]
    assert place(tmp_path, device="cuda:1")[1] == ["GPU-7a"]
    assert place(tmp_path, device="cpu")[1] == [""] * 4


def test_a_gpu_that_is_not_there_is_refused() -> None:
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UserError, match="device cuda:1: torch sees no CUDA device; use cpu"):
        resolve_device("cuda:1")


@pytest.mark.usefixtures("_three_gpus")
@pytest.mark.parametrize(
    ("device", "asked", "message"),
    [
        ("cuda:3", {}, r"device cuda:3: torch sees 3 CUDA device\(s\)"),
        ("gpu", {}, "device gpu: no device; write auto, cpu, cuda or cuda:1"),
        ("cuda", {"runs_per_gpu": 0}, "runs per GPU 0: must be 1 or more"),
        ("cuda", {"runs_per_gpu": 2, "workers": 4}, "runs per GPU 2, workers 4: give one of them"),
        ("cpu", {"runs_per_gpu": 2}, "runs per GPU 2: runs are on the CPU; give workers instead"),
    ],
)
def test_what_cannot_be_is_refused(
    device: str, asked: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        place(tmp_path, device=device, **asked)  # type: ignore[arg-type]


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
