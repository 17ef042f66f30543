"""One forward pass of the image tower: pooled feature, attention rows, patches and branch.

Sources: the dual path of CLIP Surgery (Li et al. 2023) with AlignCLIP's D-V, an identity in place
of the attention matrix (doi 10.1007/s10994-025-06742-z). Only the class token's row of an attention
matrix is formed; everything else stays fused scaled-dot-product attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from harness.clip import openclip, resnet
from harness.clip.attention import (
    Branch,
    branch_heads,
    class_rows,
    full_precision,
    output,
    project,
)
from harness.errors import UserError


@dataclass(frozen=True)
class TraceRequest:
    """What to compute beside the pooled feature; by default nothing."""

    attention_layers: int | tuple[int, ...] = 0
    """Attention rows of the first K blocks, or of the blocks with these indices (from 0)."""
    patches: bool = False
    """Projected patch tokens of the ordinary path."""
    branch: Branch | None = None
    """Structure of the second path, which shares the tower's weights."""
    branch_depth: int = 6
    """Last blocks that the branch runs through; read only with `branch`."""

    @property
    def layers(self) -> tuple[int, ...]:
        """Indices of the blocks whose attention rows are asked for."""
        asked = self.attention_layers
        return tuple(range(asked)) if isinstance(asked, int) else tuple(asked)

    @property
    def plain(self) -> bool:
        """Whether nothing but the pooled feature is asked for."""
        return not (self.layers or self.patches or self.branch)


@dataclass(frozen=True)
class ImageTrace:
    """What one forward pass gives: gradient flows through it, float32 also under autocast."""

    pooled: Tensor
    """[B, D] projected, not normalised: open_clip's own image feature."""
    attention: Tensor | None = None
    """[B, K, N] class token's attention over the patches, mean over heads, not renormalised."""
    patches: Tensor | None = None
    """[B, N, D] projected patch tokens, not normalised."""
    branch: Tensor | None = None
    """[B, N, D] projected patch tokens of the branch, not normalised."""


def trace(visual: Any, images: Tensor, request: TraceRequest, name: str = "model") -> ImageTrace:
    """Run an image tower once.

    Args:
        visual: open_clip's ``VisionTransformer`` or ``ModifiedResNet``; for the pooled feature
            alone any image tower.
        images: [B, 3, H, W], in the tower's input size.
        request: What is asked for.
        name: What errors call the model.

    Returns:
        What was asked for; the rest is None and was not computed.

    Raises:
        UserError: If the tower has no such thing, or fewer blocks than asked for.
    """
    check_request(visual, request, name)
    if request.plain:
        result = visual(images)
        return ImageTrace(full_precision(result[0] if isinstance(result, tuple) else result))
    if isinstance(visual, openclip.ModifiedResNet):
        pooled, attention, patches, branch = resnet.trace(
            visual, images, bool(request.layers), request.patches, request.branch
        )
        rows = [attention] if attention is not None else []
    else:
        pooled, rows, patches, branch = _trace_vit(visual, images, request)
    return ImageTrace(
        full_precision(pooled),
        torch.stack(rows, dim=1) if rows else None,
        full_precision(patches) if patches is not None else None,
        full_precision(branch) if branch is not None else None,
    )


def check_request(visual: Any, request: TraceRequest, name: str) -> None:
    """Refuse what an image tower cannot give; every tower gives its pooled feature.

    Raises:
        UserError: Naming the model, the reason and what to use.
    """
    if isinstance(visual, openclip.ModifiedResNet):
        check_blocks(request, 1, name)
    elif not request.plain:
        check_vit(visual, request, name)


def check_vit(visual: Any, request: TraceRequest, name: str) -> None:
    """Refuse what has no meaning in this tower.

    Raises:
        UserError: Naming the model, the reason and what to use.
    """
    use = "use a model with class-token pooling such as ViT-B-16"
    if not isinstance(visual, openclip.VisionTransformer):
        kind = type(visual).__name__
        raise UserError(f"{name}: no attention or patch features in a {kind} image tower; {use}")
    if visual.attn_pool is not None or visual.pool_type == "none":
        raise UserError(f"{name} pools by attention: its patches have no feature; {use}")
    if request.layers and visual.pool_type != "tok":
        raise UserError(f"{name} pools by average: its class token means nothing; {use}")
    if (request.patches or request.branch) and visual.final_ln_after_pool:
        raise UserError(f"{name} normalises after pooling: patches have no feature; {use}")
    blocks = visual.transformer.resblocks
    if getattr(blocks[0].attn, "logit_scale", None) is not None:
        raise UserError(f"{name} uses scaled cosine attention, which is not supported; {use}")
    check_blocks(request, len(blocks), name)


def check_blocks(request: TraceRequest, blocks: int, name: str) -> None:
    """Refuse attention or a branch of more blocks than there are.

    Raises:
        UserError: Naming the model and how many it has.
    """
    has = f"{name} has {blocks} attention block{'s' if blocks > 1 else ''}"
    wrong = [i for i in request.layers if not 0 <= i < blocks]
    if wrong:
        block = max(wrong) + 1
        raise UserError(f"attention of block {block} asked for, but {has}; ask for {blocks}")
    if request.branch and not 1 <= request.branch_depth <= blocks:
        depth = request.branch_depth
        raise UserError(f"a branch of depth {depth} asked for, but {has}; ask for 1 to {blocks}")


def _trace_vit(
    visual: Any, images: Tensor, request: TraceRequest
) -> tuple[Tensor, list[Tensor], Tensor | None, Tensor | None]:
    blocks = visual.transformer.resblocks
    start = len(blocks) - request.branch_depth if request.branch else len(blocks)
    rows: dict[int, Tensor] = {}
    branch: Tensor | None = None
    x = visual._embeds(images)
    again = visual.transformer.grad_checkpointing and torch.is_grad_enabled()
    for index, block in enumerate(blocks):
        if request.branch and index == start:
            branch = x[:, 1:]  # it leaves the ordinary path here and never returns to it
        args = (block, x, branch, request.branch, index in request.layers)
        x, branch, row = checkpoint(_block, *args, use_reentrant=False) if again else _block(*args)
        if row is not None:
            rows[index] = row
    pooled, tokens = visual._pool(x)  # tokens: the patches after ln_post
    patches = tokens @ visual.proj if request.patches else None
    if branch is not None:
        branch = visual.ln_post(branch) @ visual.proj
    return pooled @ visual.proj, [rows[i] for i in request.layers], patches, branch


def _block(
    block: Any, x: Tensor, branch: Tensor | None, kind: Branch | None, attends: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return a block's output, the branch's, and the class token's attention if asked for."""
    q, k, v = project(block.attn, block.ln_1(x))
    row = class_rows(q, k) if attends else None
    if branch is not None and kind is not None:
        branch = branch + _residual(block, branch_heads(kind, q, k, v))
    x = x + _residual(block, F.scaled_dot_product_attention(q, k, v))
    return x + block.ls_2(block.mlp(block.ln_2(x))), branch, row


def _residual(block: Any, heads: Tensor) -> Tensor:
    """Return what a block's attention adds to its input, layer scale and norm included."""
    result = output(block.attn, heads)
    if hasattr(block, "ln_attn"):
        result = block.ln_attn(result)
    scaled: Tensor = block.ls_1(result)
    return scaled
