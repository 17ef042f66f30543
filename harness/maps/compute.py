"""Maps of one image tower: class-token attention, and patches' similarity to a text.

Sources: CLIP Surgery (Li et al. 2023) for the branch, the similarity map (cosine of each projected
patch token with the text) and its rendering (min-max over the patches of an image, bilinear
upsampling); MaskCLIP and AlignCLIP (doi 10.1007/s10994-025-06742-z) for the structure D-V.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.clip import openclip
from harness.clip.attention import Branch
from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest, check_vit
from harness.errors import UserError

SURGERY_DEPTH = 6
"""Last blocks that the branch runs through, CLIP Surgery's default; fewer in a smaller tower."""
BRANCHES: tuple[Branch, ...] = ("v-v-v", "d-v")


@dataclass(frozen=True)
class Maps:
    """Of B images, on the tower's grid of N patches."""

    attention: Tensor
    """[B, L, N] class token's attention of every block, mean over heads; sums to one over N."""
    similarity: dict[str, Tensor]
    """[B, N] cosine of each patch with the image's text, by path: ``plain`` and branches."""


@dataclass(frozen=True)
class Tower:
    """What the maps of a tower depend on."""

    blocks: int
    grid: tuple[int, int]
    depth: int
    """Blocks of the branch."""


def tower_of(backbone: Backbone) -> Tower:
    """Return the tower's measures.

    Raises:
        UserError: If it has no maps: a ResNet has one attention, other towers no class token.
    """
    name = backbone.spec.title()
    if isinstance(backbone.visual, openclip.ModifiedResNet):
        raise UserError(
            f"{name}: a ResNet has one attention, its pool, so no maps by block; "
            "use a model such as ViT-B-16"
        )
    check_vit(backbone.visual, TraceRequest(1, patches=True, branch="d-v", branch_depth=1), name)
    blocks = len(backbone.visual.transformer.resblocks)
    height, width = backbone.visual.grid_size
    return Tower(blocks, (int(height), int(width)), min(SURGERY_DEPTH, blocks))


@torch.no_grad()
def maps_of(
    backbone: Backbone, images: Tensor, text: Tensor, branches: Sequence[Branch] = BRANCHES
) -> Maps:
    """Run the tower once, and once more for each branch.

    Args:
        backbone: With the weights to look at.
        images: [B, 3, S, S] as the tower takes them.
        text: [B, D] unit norm, of each image's label.
        branches: Structures of the second path.

    Raises:
        UserError: If the tower has no maps.
    """
    tower = tower_of(backbone)
    trace = backbone.trace(images, TraceRequest(tower.blocks, patches=True))
    assert trace.attention is not None
    assert trace.patches is not None
    similarities = {"plain": similarity(trace.patches, text)}
    for branch in branches:
        second = backbone.trace(images, TraceRequest(branch=branch, branch_depth=tower.depth))
        assert second.branch is not None
        similarities[branch] = similarity(second.branch, text)
    return Maps(trace.attention / trace.attention.sum(dim=-1, keepdim=True), similarities)


def similarity(patches: Tensor, text: Tensor) -> Tensor:
    """Return cosines [B, N] of patches [B, N, D] with one text [B, D] of unit norm each."""
    return (F.normalize(patches, dim=-1) * text[:, None]).sum(dim=-1)


def min_max(maps: Tensor) -> Tensor:
    """Stretch each map [..., N] to 0..1 over its patches; a constant one becomes zero."""
    low, high = maps.amin(dim=-1, keepdim=True), maps.amax(dim=-1, keepdim=True)
    return (maps - low) / (high - low).clamp_min(torch.finfo(maps.dtype).tiny)


def upsampled(maps: Tensor, grid: tuple[int, int], size: int) -> Tensor:
    """Return [B, size, size] of maps [B, N] on `grid`, bilinear (pixel centres aligned)."""
    shaped = maps.reshape(-1, 1, *grid)
    return F.interpolate(shaped, (size, size), mode="bilinear", align_corners=False)[:, 0]
