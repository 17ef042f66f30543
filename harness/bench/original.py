"""AlignCLIP's pass in its original form, against ours.

The original form, after the description of the method and the dual path of CLIP Surgery that it is
built on: every block forms its whole attention matrix, and the branch its own, V-V-V, in the last
six. Ours forms the class token's row alone, and fuses the rest.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.bench.record import BenchRow, BenchSetting
from harness.bench.turns import in_turns, over
from harness.clip.attention import output, project
from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from harness.store import provenance

LAYERS = 5
"""Blocks whose attention is aligned, the first ones."""
DEPTH = 6
"""Blocks that the branch runs through, the last ones."""


def original(visual: torch.nn.Module, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return pooled feature, attention rows, patches and branch of a ViT with full matrices."""
    tower: Any = visual
    blocks = tower.transformer.resblocks
    x = tower._embeds(images)
    branch, rows = None, []
    for index, block in enumerate(blocks):
        q, k, v = project(block.attn, block.ln_1(x))
        matrix = (q * q.shape[-1] ** -0.5 @ k.mT).softmax(-1)
        if index < LAYERS:
            rows.append(matrix.mean(1)[:, 0, 1:])
        if index >= len(blocks) - DEPTH:
            own = (v * v.shape[-1] ** -0.5 @ v.mT).softmax(-1)
            branch = (x if branch is None else branch) + output(block.attn, own @ v)
        x = x + output(block.attn, matrix @ v)
        x = x + block.mlp(block.ln_2(x))
    assert branch is not None  # there are blocks
    pooled, tokens = tower._pool(x)
    branched = (tower.ln_post(branch) @ tower.proj)[:, 1:]
    projected = tokens @ tower.proj
    return pooled @ tower.proj, torch.stack(rows, 1), projected, branched


def measure(setting: BenchSetting, backbone: Backbone) -> list[BenchRow]:
    """Return time, and on a GPU memory, of forward and backward pass in both forms."""
    own = backbone.fork()
    own.visual.requires_grad_(True)
    size = own.preprocess.image_size
    images = torch.randn(setting.batch, 3, size, size, device=setting.device)
    request = TraceRequest(attention_layers=LAYERS, patches=True, branch="d-v", branch_depth=DEPTH)

    def backward(*parts: Tensor | None) -> None:
        own.visual.zero_grad()
        torch.stack([p.float().square().mean() for p in parts if p is not None]).sum().backward()  # type: ignore[no-untyped-call]

    def ours() -> None:
        trace = own.trace(images, request)
        backward(trace.pooled, trace.attention, trace.patches, trace.branch)

    def theirs() -> None:
        with own.autocast():
            parts = original(own.visual, images)
        backward(*parts)

    times = in_turns({"ours": ours, "theirs": theirs}, setting.rounds, setting.device)
    rows = [
        _row(
            "forward and backward pass, original form / ours", over(times["theirs"], times["ours"])
        )
    ]
    if setting.cuda:
        peaks = []
        for work in (theirs, ours):
            provenance.reset_peak_memory(setting.device)
            work()
            peaks.append(provenance.peak_memory_mb(setting.device))
        rows.append(_row("memory, original form / ours", (peaks[0] / peaks[1],)))
    return rows


def _row(what: str, values: tuple[float, ...]) -> BenchRow:
    return BenchRow(group="attention", what=what, values=values)
