"""Where runs happen, from what a user says of it and what this machine has."""

from __future__ import annotations

import itertools
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import registry
from harness.errors import UserError
from harness.execution.context import DEVICES, Context, default_cache
from harness.execution.seats import visible_gpus
from harness.training.logging import resolved


def resolve_device(device: str) -> str:
    """Return torch's name of a device; ``auto`` is the GPU if there is one.

    Raises:
        UserError: If a GPU is asked for that is not there, or for what is no device.
    """
    if not re.fullmatch(DEVICES, device):
        raise UserError(f"device {device}: no device; write auto, cpu, cuda or cuda:1")
    count = _count_gpus()
    if device == "auto":
        return "cuda" if count else "cpu"
    if device.startswith("cuda") and not count:
        raise UserError(f"device {device}: torch sees no CUDA device; use cpu")
    if device.startswith("cuda:") and int(device[5:]) >= count:
        raise UserError(f"device {device}: torch sees {count} CUDA device(s), the first is cuda:0")
    return device


def _count_gpus() -> int:
    import torch  # already there: the plugins were loaded

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def gpus_of(device: str) -> list[str]:
    """Return the GPUs that a resolved device means, as CUDA_VISIBLE_DEVICES calls them."""
    if device == "cpu":
        return []
    gpus = visible_gpus(_count_gpus())
    return [gpus[int(device[5:])]] if ":" in device else gpus


def place(
    store: Path,
    data_root: Path | None = None,
    cache: Path | None = None,
    device: str = "auto",
    threads: int = 1,
    workers: int | None = None,
    log: Sequence[str] = (),
    runs_per_gpu: int | None = None,
) -> tuple[Context, list[str]]:
    """Return the context and the GPU of each worker (empty on the CPU).

    Args:
        store: Of the results.
        data_root: Where the data set's files are.
        cache: Of frozen features; by default the user's.
        device: ``auto`` is all GPUs, if torch sees any; so is ``cuda``.
        threads: Of torch in each worker.
        workers: Spread over the GPUs; by default one on each, or one for each `threads` cores.
        log: See `harness.training.logging.resolved`.
        runs_per_gpu: Workers on each GPU; instead of `workers`.

    Raises:
        UserError: For a device that is not there, a number below 1, or numbers that exclude each
            other.
    """
    device = resolve_device(device)
    for name, value in ("threads", threads), ("workers", workers), ("runs per GPU", runs_per_gpu):
        if value is not None and value < 1:
            raise UserError(f"{name} {value}: must be 1 or more")
    if runs_per_gpu and workers:
        raise UserError(f"runs per GPU {runs_per_gpu}, workers {workers}: give one of them")
    gpus = gpus_of(device)
    if runs_per_gpu and not gpus:
        raise UserError(f"runs per GPU {runs_per_gpu}: runs are on the CPU; give workers instead")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    workers = workers or len(gpus) * (runs_per_gpu or 1) or max(1, cores // threads)
    context = Context(
        store=store.resolve(),
        data_root=data_root.resolve() if data_root else None,
        cache=(cache or default_cache()).resolve(),
        device=device,
        threads=threads,
        decode_threads=max(1, cores // workers),
        plugins=tuple(registry.plugin_files()),
        log=resolved(log),
        command=tuple(sys.argv),
    )
    return context, list(itertools.islice(itertools.cycle(gpus or [""]), workers))
