"""Where workers sit: each on a GPU, and with its share of what they have in common."""

from __future__ import annotations

import os
from collections.abc import Sequence

from harness.execution.context import Context


def visible_gpus(count: int) -> list[str]:
    """Return what CUDA_VISIBLE_DEVICES calls the first `count` GPUs that this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return [str(number) for number in range(count)]
    return [name.strip() for name in named.split(",") if name.strip()][:count]


def memory_gb() -> float:
    """Return the GiB of this machine, or of them what this Slurm job may have."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    job = os.environ.get("SLURM_MEM_PER_NODE", "")  # MiB; 0: the whole node's
    return min(machine, int(job) / 1024) if job.strip("0").isdecimal() else machine


def seated(context: Context, gpus: Sequence[str], memory_gb: float) -> list[Context]:
    """Return the context of each worker.

    Its decoded images fill at most half of its share of the memory: the run needs the rest. The
    prepared images on disk are not divided: all processes of a node read and fill the same file.

    Args:
        context: Of them all.
        gpus: Each worker's, by its name in CUDA_VISIBLE_DEVICES; empty where it is not pinned.
        memory_gb: GiB that they share.
    """
    share = min(context.memory_gb, memory_gb / len(gpus) / 2)
    return [
        context.model_copy(
            update={"memory_gb": share, "gpu": gpu, "runs_per_gpu": gpus.count(gpu) if gpu else 1}
            # What a pinned worker sees is one GPU, number 0.
            | ({"device": context.device.partition(":")[0]} if gpu else {})
        )
        for gpu in gpus
    ]
