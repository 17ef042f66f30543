"""Which GPU a worker sees, and what it may have of what all share."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.execution.context import Context
from harness.execution.seats import memory_gb, seated, visible_gpus


@pytest.mark.parametrize(
    ("count", "named", "gpus"),
    [
        (0, "3", []),
        (1, "3", ["3"]),
        (2, "3, 4", ["3", "4"]),
        (2, None, ["0", "1"]),
        (2, "", []),  # hidden, perhaps because they are somebody else's
        (4, "0,1", ["0", "1"]),
        (2, "MIG-a,MIG-b,MIG-c", ["MIG-a", "MIG-b"]),
    ],
)
def test_gpus_are_named_as_the_environment_does(
    count: int, named: str | None, gpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus(count) == gpus


def test_each_worker_is_told_its_gpu_and_who_shares_it(tmp_path: Path) -> None:
    found = seated(Context(store=tmp_path, device="cuda:7"), ["7", "GPU-a", "7"], 100)
    assert [context.gpu for context in found] == ["7", "GPU-a", "7"]
    assert [context.runs_per_gpu for context in found] == [2, 1, 2]
    assert {context.device for context in found} == {"cuda"}  # the one that it sees
    alone = Context(store=tmp_path, device="cuda:7")
    assert seated(alone, ["", ""], 100) == [alone, alone]


def test_decoded_images_leave_half_of_a_worker_s_memory_to_its_run(tmp_path: Path) -> None:
    context = Context(store=tmp_path, memory_gb=8, cache_gb=30)
    for workers, memory, share in (1, 64, 8), (4, 64, 8), (8, 64, 4), (4, 16, 2):
        found = seated(context, [""] * workers, memory)
        assert {c.memory_gb for c in found} == {share}
        assert {c.cache_gb for c in found} == {30}  # one file for all


@pytest.mark.parametrize(("told", "found"), [("512", 0.5), ("", None), ("0", None), ("4G", None)])
def test_a_slurm_job_has_what_it_asked_for(
    told: str, found: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLURM_MEM_PER_NODE", raising=False)
    machine = memory_gb()
    assert machine > 0.5
    monkeypatch.setenv("SLURM_MEM_PER_NODE", told)
    assert memory_gb() == (found or machine)
