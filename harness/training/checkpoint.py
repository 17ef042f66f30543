"""A checkpoint: all a killed run needs to continue to the same final numbers."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.store.files import write_atomically


@dataclass
class TrainState:
    """Where a training is. Random draws are functions of (seed, step), so none are stored."""

    step: int = 0
    """Optimiser steps done."""
    losses: dict[str, list[float]] = field(default_factory=dict)
    """Sums of each loss term over the run's tenths."""
    best_correct: int = -1
    """Correct source-validation images of the best weights so far; -1 before the first look."""
    best_step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    zero_shot_val: dict[str, list[int]] = field(default_factory=dict)
    """Per source domain [correct, n] before the first step."""
    step_ms: list[float] = field(default_factory=list)
    earlier_s: float = 0.0
    """Seconds that earlier attempts took up to this checkpoint."""
    resumed: int = 0


def save(path: Path, state: TrainState, parts: dict[str, Any]) -> None:
    """Write `state` and the state dicts in `parts` in one file, atomically."""
    buffer = io.BytesIO()
    torch.save({"state": vars(state), **parts}, buffer)
    write_atomically(path, buffer.getvalue())


def load(path: Path, device: torch.device | str) -> tuple[TrainState, dict[str, Any]] | None:
    """Return what `save` wrote, or None if there is no (readable) checkpoint.

    A file that cannot be read counts as none: the run then starts afresh and ends in the same
    numbers, only later.
    """
    if not path.is_file():
        return None
    try:
        parts = torch.load(path, map_location=device, weights_only=True)
        return TrainState(**parts.pop("state")), parts
    except Exception:
        return None
