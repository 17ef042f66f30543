"""Where runs happen, from what a user says of it and what this machine has."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import registry
from harness.errors import UserError
from harness.execution.context import Context, default_cache
from harness.training.logging import resolved


def resolve_device(device: str) -> str:
    """Return torch's name of a device; ``auto`` is the GPU if there is one.

    Raises:
        UserError: If a GPU is asked for and there is none.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"device {device}: torch sees no CUDA device; use cpu")
    return device


def place(
    store: Path,
    data_root: Path | None = None,
    cache: Path | None = None,
    device: str = "auto",
    threads: int = 1,
    workers: int | None = None,
    log: Sequence[str] = (),
) -> tuple[Context, int]:
    """Return the context and the number of workers.

    Args:
        store: Of the results.
        data_root: Where the data set's files are.
        cache: Of frozen features; by default the user's.
        device: ``auto`` is the GPU, if torch sees one.
        threads: Of torch in each worker.
        workers: By default one on a GPU, else one for each `threads` cores.
        log: See `harness.training.logging.resolved`.

    Raises:
        UserError: For a device that is not there, or a number below 1.
    """
    device = resolve_device(device)
    if threads < 1 or (workers is not None and workers < 1):
        raise UserError(f"workers {workers}, threads {threads}: must be 1 or more")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    workers = workers or (1 if device.startswith("cuda") else max(1, cores // threads))
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
    return context, workers
