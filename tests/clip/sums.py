"""Outputs of a traced pass, as one number and its gradients."""

from __future__ import annotations

from typing import Any

import torch

STRUCTURES = ["d-v", "v-v-v", "q-q", "k-k"]


FIELDS = ("pooled", "attention", "patches", "branch")


def total(values: Any) -> torch.Tensor:
    """Return a scalar to which every element of every output contributes differently."""
    parts = [values[name] if isinstance(values, dict) else getattr(values, name) for name in FIELDS]
    return sum(  # type: ignore[return-value]
        (part * torch.linspace(-1, 2, part.numel(), dtype=part.dtype).view_as(part)).sum()
        for part in parts
    )


def gradients(visual: torch.nn.Module, value: torch.Tensor) -> dict[str, torch.Tensor]:
    names, parameters = zip(*visual.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(value, parameters), strict=True))
