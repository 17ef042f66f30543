"""The authors' half precision: weights that are rounded to half after every step.

OpenAI's ``convert_weights`` stores the weights of convolutions, linear and attention layers, and
the projections, in half precision. CLIPood and AlignCLIP convert them to float32 for the step of
the optimiser and back after it, without a master copy: an update below half a unit of the last of
eleven binary digits is lost. At lr 5e-6 most are; a replica of their numbers needs that.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

_ATTENTION = (
    "in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "bias_k",
    "bias_v",
)  # fmt: skip
_PROJECTIONS = ("text_projection", "proj")


def half_typed(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that ``convert_weights`` stores in half precision.

    Embeddings and normalisations stay float32 there.
    """
    found: dict[int, nn.Parameter] = {}
    for module in model.modules():
        names: tuple[str, ...] = _PROJECTIONS
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            names += ("weight", "bias")
        if isinstance(module, nn.MultiheadAttention):
            names += _ATTENTION
        for name in names:
            value = getattr(module, name, None)
            if isinstance(value, nn.Parameter):
                found[id(value)] = value
    return list(found.values())


@torch.no_grad()
def round_to_half(parameters: Iterable[nn.Parameter]) -> None:
    """Round parameters in place to the nearest numbers of half precision; they stay float32."""
    for parameter in parameters:
        parameter.copy_(parameter.half())
