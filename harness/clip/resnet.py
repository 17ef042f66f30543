"""The traced forward pass of a ModifiedResNet (RN50 and its kin), adapted.

Such a tower has one attention, the pool: its mean token stands for the class token and the
positions of the last feature map for the patches. AlignCLIP's authors report ResNets without
publishing code, so results obtained here are to be called adapted.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.clip.attention import Branch, branch_heads, class_rows, merge_heads, split_heads


def trace(
    visual: Any, images: Tensor, attention: bool, patches: bool, branch: Branch | None
) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
    """Run the tower once.

    Args:
        visual: open_clip's ``ModifiedResNet``.
        images: [B, 3, H, W].
        attention: Whether the mean token's attention row over the positions is asked for.
        patches: Whether the pool's output at every position is asked for.
        branch: ``d-v`` is v_proj then c_proj at every position (MaskCLIP), the others as in a ViT.

    Returns:
        Pooled [B, D], attention [B, N], patches [B, N, D], branch [B, N, D]; None if not asked for.
    """
    x = visual.stem(images)
    for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
        x = layer(x)
    pool = visual.attnpool
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([x.mean(dim=1, keepdim=True), x], dim=1)
    x = x + pool.positional_embedding.to(x.dtype)
    q, k, v = (split_heads(p(x), pool.num_heads) for p in (pool.q_proj, pool.k_proj, pool.v_proj))
    queries = q if patches else q[:, :, :1]
    tokens = pool.c_proj(merge_heads(F.scaled_dot_product_attention(queries, k, v)))
    return (
        tokens[:, 0],
        class_rows(q, k) if attention else None,
        tokens[:, 1:] if patches else None,
        pool.c_proj(merge_heads(branch_heads(branch, q, k, v))) if branch else None,
    )
