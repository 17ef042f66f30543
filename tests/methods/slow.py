"""CLIP's towers in float64 with explicit loops over sequences, heads, layers: slow on purpose."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from harness.clip.backbone import Backbone
from tests.methods import toy


def noisy(backbone: Backbone, seed: int = 0) -> Backbone:
    """Return a float64 copy in which no norm or bias is trivial and every block does something."""
    model = copy.deepcopy(backbone.model).double()
    draw = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        if "logit" not in name:
            noise = torch.randn(p.shape, generator=draw, dtype=p.dtype)
            p.data += noise * (0.3 if p.ndim < 2 else 0.1)
    return replace(backbone, model=model, _texts={})


def build(name: str, backbone: Backbone, **config: Any) -> toy.Run:
    """Build a method in float64, away from its initial values."""
    run = toy.build(name, backbone, **config)
    draw = torch.Generator().manual_seed(1)
    for p in run.parameters.values():
        p.data = p.data.double() + 0.5 * torch.randn(p.shape, generator=draw, dtype=torch.float64)
    return run


def gradients(run: toy.Run, value: Tensor) -> dict[str, Tensor]:
    found = torch.autograd.grad(value, list(run.parameters.values()))
    return dict(zip(run.parameters, found, strict=True))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    rows = [-row[int(y)] + row.exp().sum().log() for row, y in zip(logits, labels, strict=True)]
    return torch.stack(rows).mean()


def norm(layer: Any, x: Tensor) -> Tensor:
    centred = x - x.mean()
    return centred / (centred.square().mean() + layer.eps).sqrt() * layer.weight + layer.bias


def block(layer: Any, x: Tensor, causal: bool) -> Tensor:
    """Run a residual attention block on one sequence [T, d], a query token at a time."""
    h = torch.stack([norm(layer.ln_1, token) for token in x])
    size = x.shape[1] // layer.attn.num_heads
    projected = h @ layer.attn.in_proj_weight.T + layer.attn.in_proj_bias
    q, k, v = projected.split(x.shape[1], dim=1)
    seen = []
    for t in range(len(x)):
        last = t + 1 if causal else len(x)
        heads = []
        for start in range(0, x.shape[1], size):
            part = slice(start, start + size)
            weights = (k[:last, part] @ q[t, part] / size**0.5).softmax(dim=0)
            heads.append(weights @ v[:last, part])
        seen.append(torch.cat(heads))
    out = layer.attn.out_proj
    x = x + torch.stack(seen) @ out.weight.T + out.bias
    return x + torch.stack([layer.mlp(norm(layer.ln_2, token)) for token in x])


def unit(x: Tensor) -> Tensor:
    return x / x.square().sum().sqrt()


def text(
    model: Any, tokens: Tensor, place: Callable[[int, Tensor], Tensor] = lambda layer, x: x
) -> Tensor:
    """Return the unit feature of token ids [L]; `place` may change each block's input [L, d].

    Layer -1 are the token embeddings, before positions are added.
    """
    x = place(-1, model.token_embedding.weight[tokens]) + model.positional_embedding
    for index, layer in enumerate(model.transformer.resblocks):
        x = block(layer, place(index, x), causal=True)
    return unit(norm(model.ln_final, x[int(tokens.argmax())]) @ model.text_projection)


def image(visual: Any, pixels: Tensor, prompts: Sequence[Tensor]) -> Tensor:
    """Return the unit feature of [3, H, W] pixels with prompts [n, d] of the first blocks."""
    n = len(prompts[0])
    patches = visual.conv1(pixels[None])[0].flatten(1).T
    x = torch.cat([visual.class_embedding[None], patches]) + visual.positional_embedding
    x = torch.cat([x, prompts[0]])
    x = torch.stack([norm(visual.ln_pre, token) for token in x])
    for index, layer in enumerate(visual.transformer.resblocks):
        if index > 0 and index < len(prompts):
            x = torch.cat([x[: len(x) - n], prompts[index]])
        x = block(layer, x, causal=False)
    return unit(norm(visual.ln_post, x[0]) @ visual.proj)
