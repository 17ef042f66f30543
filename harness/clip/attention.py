"""Self-attention from an open_clip attention module's own parameters, as plain functions.

The modules return no attention weights and no values. These functions read the same parameters, so
that queries, keys and values are computed once and serve the block's output, the class token's
attention row and the attention-free branch. They fit ``torch.nn.MultiheadAttention`` (OpenAI's and
most open_clip models) and open_clip's own ``Attention`` (query and key norm, head scale, inner
norm).
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Branch = Literal["d-v", "v-v-v", "q-q", "k-k"]


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Turn [B, T, d] into [B, H, T, d/H]."""
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """Turn [B, H, T, e] into [B, T, H*e]."""
    return x.transpose(1, 2).flatten(2)


def project(attn: Any, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute queries, keys and values of a block's attention.

    Args:
        attn: ``nn.MultiheadAttention`` or open_clip's ``Attention``.
        x: [B, T, d], already normalised by the block's ``ln_1``.

    Returns:
        Three tensors [B, H, T, e].
    """
    projected = F.linear(x, attn.in_proj_weight, attn.in_proj_bias)
    q, k, v = (split_heads(part, attn.num_heads) for part in projected.chunk(3, dim=-1))
    if hasattr(attn, "ln_q"):
        q, k = attn.ln_q(q), attn.ln_k(k)
    return q, k, v


def output(attn: Any, heads: Tensor) -> Tensor:
    """Turn what the heads gathered, [B, H, T, e], into the attention's output [B, T, d]."""
    if getattr(attn, "head_scale", None) is not None:
        heads = heads * attn.head_scale
    merged = merge_heads(heads)
    if hasattr(attn, "ln_inner"):
        merged = attn.ln_inner(merged)
    result: Tensor = attn.out_proj(merged)
    return result


def class_rows(q: Tensor, k: Tensor) -> Tensor:
    """Compute the class token's attention over the patches, averaged over heads.

    The softmax runs over all N+1 tokens, the class token's own column is then left out and the rest
    is not renormalised: what the full attention matrix holds in row 0, at the cost of one row.

    Args:
        q: [B, H, N+1, e].
        k: [B, H, N+1, e].

    Returns:
        [B, N], float32 also under autocast (float64 stays).
    """
    with torch.autocast(q.device.type, enabled=False):
        query, key = full_precision(q[:, :, :1]), full_precision(k)
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        rows: Tensor = scores.softmax(dim=-1)[:, :, 0, 1:].mean(dim=1)
        return rows


def branch_heads(structure: Branch, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Gather values for the patches as a branch structure says.

    ``d-v`` replaces the attention matrix by the identity, so that a token sees itself only
    (MaskCLIP; AlignCLIP's D-V). The others use softmax(X X^T / sqrt(e)) with X the values, queries
    or keys, over all tokens (CLIP Surgery).

    Args:
        structure: Which matrix.
        q: [B, H, N+1, e].
        k: [B, H, N+1, e].
        v: [B, H, N+1, e].

    Returns:
        [B, H, N, e], of the patches only.
    """
    if structure == "d-v":
        return v[:, :, 1:]
    x = {"v-v-v": v, "q-q": q, "k-k": k}[structure]
    return F.scaled_dot_product_attention(x[:, :, 1:], x, v)


def full_precision(x: Tensor) -> Tensor:
    """Return half precision as float32, anything else as it is."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
