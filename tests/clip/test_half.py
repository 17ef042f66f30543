"""The authors' half precision, against what their conversion would store."""

from __future__ import annotations

import copy

import torch
from torch import nn

from harness.clip.half import half_typed, round_to_half
from tests.clip import models


def test_what_is_halved_is_what_openais_conversion_halves() -> None:
    model = models.clip()
    names = {id(p): name for name, p in model.named_parameters()}
    halved = {names[id(p)] for p in half_typed(model)}
    assert "visual.conv1.weight" in halved
    assert "visual.proj" in halved
    assert "text_projection" in halved
    assert "visual.transformer.resblocks.0.attn.in_proj_weight" in halved
    assert "visual.transformer.resblocks.0.attn.in_proj_bias" in halved
    assert "visual.transformer.resblocks.0.attn.out_proj.weight" in halved
    assert "visual.transformer.resblocks.0.mlp.c_fc.bias" in halved
    for kept in ("ln_", "embedding", "logit_scale"):
        assert not [name for name in halved if kept in name]


def test_rounding_is_to_the_nearest_half_and_loses_small_updates() -> None:
    weight = nn.Parameter(torch.tensor([1.0, 1.0, 1e-9, 3.14159]))
    with torch.no_grad():
        weight += torch.tensor([4e-4, 6e-4, 0.0, 0.0])  # half's step above 1 is 2**-10 = 9.8e-4
    before = copy.deepcopy(weight.detach())
    round_to_half([weight])
    assert weight.dtype == torch.float32
    assert weight.tolist() == before.half().float().tolist()
    assert weight[0] == 1.0
    assert weight[1] == 1.0 + 2**-10
