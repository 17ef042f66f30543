"""Where a run happens: nothing here changes its numbers' meaning, so nothing is in the spec."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


def default_cache() -> Path:
    """Return ``$CLIP_BENCH_CACHE`` or ``~/.cache/clip-benchmark-harness``."""
    named = os.environ.get("CLIP_BENCH_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "clip-benchmark-harness"


DEVICES = r"auto|cpu|cuda(:\d+)?"
"""What a device may be called."""
LIMITS = ("cache_gb", "memory_gb", "checkpoint_seconds", "activation_checkpointing")
"""Fields that a user may set for a worker, here or in a cluster file."""


class Context(BaseModel):
    """Passed to workers as JSON beside the specs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: Path
    data_root: Path | None = None
    cache: Path | None = Field(default_factory=default_cache)
    """Shared between runs: features and prepared images; None keeps them in memory only."""
    device: str = "cpu"
    threads: int = 1
    """Threads of torch in each worker. Sums depend on it in the last digits; records hold it."""
    decode_threads: int = 1
    cache_gb: float = Field(default=16.0, ge=0, allow_inf_nan=False)
    """GiB of features and prepared test images in `cache`, shared by all processes."""
    memory_gb: float = Field(default=2.0, ge=0, allow_inf_nan=False)
    """GiB of decoded training images in the memory of each worker."""
    gpu: str = ""
    """The only GPU that the worker sees, as CUDA_VISIBLE_DEVICES calls it; empty: not pinned."""
    runs_per_gpu: int = 1
    """Workers on that GPU."""
    plugins: tuple[str, ...] = ()
    activation_checkpointing: bool = False
    """Compute activations again in the backward pass: less memory, more time, the same numbers."""
    checkpoint_seconds: float = Field(default=20.0, ge=0, allow_inf_nan=False)
    """Least time between two checkpoints; see `harness.training.checkpoint.Writer`."""
    keep_weights: bool = False
    """Leave the tested weights beside the record of every run that trains: `maps` needs them."""
    log: tuple[str, ...] = ()
    """Loggers of the curves, ``tensorboard[:DIR]``, ``wandb[:PROJECT]``; by default none."""
    command: tuple[str, ...] = ()
    """The command line that asked for the runs, for their records."""
