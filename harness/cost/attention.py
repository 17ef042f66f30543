"""The attention product of one block, in the forms that the branch and its guidance need.

On random queries, keys and values of the tower's shape: forward pass only.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.clip import openclip
from harness.clip.attention import Branch, branch_heads, class_rows, merge_heads
from harness.clip.backbone import Backbone
from harness.cost.flops import count_flops
from harness.cost.record import AttentionProducts, AttentionRow
from harness.cost.subject import elapsed_ms
from harness.seeding import generator

CALLS = 5


def attention_products(backbone: Backbone, batch: int, rounds: int) -> AttentionProducts | None:
    """Count and time every form, in turns; None for a tower without attention blocks."""
    visual = backbone.visual
    if not isinstance(visual, openclip.VisionTransformer):
        return None
    blocks = visual.transformer.resblocks
    heads, width = blocks[0].attn.num_heads, visual.transformer.width
    tokens = visual.positional_embedding.shape[0]
    draw = generator("cost attention")
    shape = (3, batch, heads, tokens, width // heads)
    qkv = torch.randn(shape, generator=draw).to(backbone.device)
    projection = torch.randn(width, width, generator=draw).to(backbone.device)
    several, one = _forms(qkv, projection), _forms(qkv[:, :1], projection)
    times: dict[str, list[float]] = {label: [] for label in several}
    with torch.no_grad():
        for _ in range(rounds):
            for label, work in several.items():
                work()
                spent = [elapsed_ms(work, backbone.device) for _ in range(CALLS)]
                times[label].append(statistics.median(spent) / batch)
        counts = {label: count_flops(work)[0] for label, work in one.items()}
    rows = tuple(AttentionRow(label=k, flops=counts[k], ms=times[k]) for k in several)
    return AttentionProducts(heads=heads, tokens=tokens, width=width, blocks=len(blocks), rows=rows)


def _forms(qkv: Tensor, projection: Tensor) -> dict[str, Callable[[], Tensor]]:
    q, k, v = qkv
    patches = merge_heads(v[:, :, 1:])
    forms: dict[str, Callable[[], Tensor]] = {
        structure: partial(branch_heads, structure, q, k, v) for structure in get_args(Branch)
    }
    forms["v-v-v, matrix formed"] = partial(_with_matrix, v, v)
    forms["class token's row of the attention"] = partial(class_rows, q, k)
    forms["whole attention matrix"] = partial(_matrix, q, k)
    forms["output projection of a branch"] = partial(F.linear, patches, projection)
    return forms


def _matrix(q: Tensor, k: Tensor) -> Tensor:
    scores: Tensor = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    return scores.softmax(dim=-1)


def _with_matrix(x: Tensor, v: Tensor) -> Tensor:
    return _matrix(x[:, :, 1:], x) @ v
