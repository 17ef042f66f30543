"""Forward passes with learned tokens among a tower's own, new ones at every of the first blocks.

MaPLe (Khattak et al., CVPR 2023, arXiv 2210.03117, sections 3.2 and 3.3): the tokens that enter the
first block are learned, those that leave it are dropped for other learned ones, and so on; after
the last replacement they are carried on like any token. The towers' weights are only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from harness.clip import openclip
from harness.clip.attention import full_precision
from harness.errors import UserError


def run_blocks(
    transformer: Any, x: Tensor, deep: Sequence[Tensor], at: int, mask: Tensor | None = None
) -> Tensor:
    """Run a transformer's blocks; the input of block i (from 1) has ``deep[i - 1]`` put into it.

    Args:
        transformer: open_clip's ``Transformer``.
        x: [B, T, d], the first block's input.
        deep: Fewer than there are blocks, each [n, d].
        at: First of the n positions that they replace.
        mask: [T, T] additive.

    Returns:
        [B, T, d].
    """
    for index, block in enumerate(transformer.resblocks):
        if 0 < index <= len(deep):
            tokens = batched(deep[index - 1], x)
            x = torch.cat([x[:, :at], tokens, x[:, at + tokens.shape[1] :]], dim=1)
        if transformer.grad_checkpointing and torch.is_grad_enabled():
            x = checkpoint(block, x, attn_mask=mask, use_reentrant=False)
        else:
            x = block(x, attn_mask=mask)
    return x


def prompted_image_features(visual: Any, images: Tensor, prompts: Sequence[Tensor]) -> Tensor:
    """Run a vision transformer with learned tokens behind the patches.

    Args:
        visual: open_clip's ``VisionTransformer``.
        images: [B, 3, H, W], normalised.
        prompts: J >= 1 tensors [n, d], one for each of the first J blocks; without position
            embedding, and the first is normalised by ``ln_pre`` with the patches. n may be 0.

    Returns:
        [B, D] projected, not normalised, float32 also under autocast; gradient reaches the prompts.
    """
    x = visual._embeds(images)
    # `_embeds` ends with ln_pre, which is per token: the prompts may pass it on their own.
    inserted = batched(visual.ln_pre(prompts[0]), x)
    patches = x.shape[1]
    x = run_blocks(visual.transformer, torch.cat([x, inserted], dim=1), prompts[1:], patches)
    pooled, _ = visual._pool(x[:, :patches])
    return full_precision(pooled @ visual.proj)


def batched(tokens: Tensor, like: Tensor) -> Tensor:
    """Return tokens [n, d] as [B, n, d] in the type of activations [B, T, d]."""
    return tokens.to(like.dtype).expand(len(like), -1, -1)


def check_prompted(visual: Any, text_blocks: int, depth: int, name: str) -> None:
    """Refuse an image tower that takes no prompts, and prompts in more blocks than there are.

    Raises:
        UserError: Naming the model, the reason and what to do.
    """
    if not isinstance(visual, openclip.VisionTransformer):
        kind = type(visual).__name__
        raise UserError(
            f"{name}: a {kind} image tower takes no prompts; use a vision transformer of "
            "open_clip's such as ViT-B-16"
        )
    image_blocks = len(visual.transformer.resblocks)
    fits = min(image_blocks, text_blocks)
    if depth > fits:
        raise UserError(
            f"depth={depth}: {name} has {image_blocks} image and {text_blocks} text blocks; "
            f"set depth to {fits} or less"
        )
