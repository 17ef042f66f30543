"""Out of memory: told with what helps, and the process is clean for its next run."""

from __future__ import annotations

import gc
import re

import torch

from harness import registry
from harness.errors import UserError
from harness.specs import RunSpec
from harness.store import provenance


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that a GPU's or the host's memory is full."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    # the CPU's allocator and cuBLAS have no type of error of their own
    return isinstance(error, RuntimeError) and bool(
        re.search(r"DefaultCPUAllocator|CUBLAS_STATUS_ALLOC_FAILED|out of memory", text)
    )


def out_of_memory(spec: RunSpec, device: str) -> UserError:
    """Return what a run that found no memory fails with: how much it had, and what takes less."""
    config = spec.config
    batch = config.get("micro_batch") or config.get("batch_size") or config.get("batch_per_domain")
    advice = []
    if batch and batch > 1 and registry.method_class(spec.method).loss_is_mean:
        advice.append(f"micro_batch={max(1, batch // 2)} (equal up to rounding)")
    if "steps" in config:
        advice.append("--activation-checkpointing (the same numbers)")
    if device.startswith("cuda"):
        advice += ["fewer runs per GPU", "--precision bf16"]
    else:
        advice += ["fewer --workers", "less --memory-gb", "in a Slurm job more mem_gb"]
    peak = provenance.peak_memory_mb(device)
    return UserError(
        f"out of memory on {provenance.device_name(device)} (peak {peak / 1024:.1f} GiB); try "
        + ", ".join(advice)
    )


def release(device: str) -> None:
    """Give back what a failed run held; call it when its exception is gone."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
