"""GPUs in the styles of sbatch."""

from __future__ import annotations

import pytest

from harness.execution.slurm.gpus import asked


@pytest.mark.parametrize(
    ("option", "value", "count"),
    [
        ("gres", "gpu", 1),
        ("gres", "gpu:2", 2),
        ("gres", "gpu:a100:2(S:0-1),nvme:4", 2),
        ("gres", "gpu:a100", 1),
        ("gres", "gres/gpu:3", 3),
        ("gres", "shard:4", 1),
        ("gres", "gpu:0", 0),
        ("gres", "nvme:1", 0),
        ("gpus", 2, 2),
        ("gpus", False, 0),
        ("gpus", "a100:1,v100:2", 3),
        ("gpus_per_task", "a100:1", 1),
        ("gpus-per-socket", "1", 1),
        ("tres_per_task", "cpu:4,gres/gpu=1", 1),
        ("gpu-bind", "closest", 0),
        ("gpu-freq", "high", 0),
        ("nice", 100, 0),
    ],
)
def test_how_many_an_option_asks_for(option: str, value: object, count: int) -> None:
    assert asked(option, value) == count
