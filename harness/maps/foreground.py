"""How much of a map lies on the object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from harness.clip.backbone import Preprocess
from harness.data.transforms import test_pixels
from harness.maps.compute import Maps, min_max, upsampled


def mask_pixels(mask: NDArray[np.uint8], preprocess: Preprocess) -> Tensor:
    """Send a mask [H, W], 0 to 255, through the model's test transform; return [S, S] in 0..1."""
    image = Image.fromarray(mask).convert("RGB")
    return test_pixels(image, preprocess)[0].double() / 255


def patch_shares(masks: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return how much of each patch is foreground: [B, N] in 0..1 of masks [B, S, S]."""
    size = masks.shape[-1]
    kernel = (size // grid[0], size // grid[1])
    return F.avg_pool2d(masks[:, None], kernel).flatten(1)


@dataclass(frozen=True)
class Shares:
    """Sums over images would not do: each value is one image's, [B] float64."""

    area: Tensor
    """Share of a uniform attention: chance."""
    attention: Tensor
    """[B, L] share of the class token's attention over the patches, by block."""
    difference: dict[str, Tensor]
    """Mean of the min-max similarity map over the object minus over the rest; NaN where there is
    no object or no rest."""
    hit: dict[str, Tensor]
    """Pointing game: 1 if the upsampled map's highest pixel is on the object, else 0."""


def shares(maps: Maps, masks: Tensor, grid: tuple[int, int]) -> Shares:
    """Measure the maps of B images against their masks [B, S, S] in 0..1."""
    masks = masks.double()
    inner = patch_shares(masks, grid)
    difference, hit = {}, {}
    for name, values in maps.similarity.items():
        stretched = min_max(values.double().cpu())
        inside = (stretched * inner).sum(-1) / inner.sum(-1)
        outside = (stretched * (1 - inner)).sum(-1) / (1 - inner).sum(-1)
        difference[name] = inside - outside
        hit[name] = _hits(stretched, masks, grid)
    attention = (maps.attention.double().cpu() * inner[:, None]).sum(-1)
    return Shares(inner.mean(-1), attention, difference, hit)


def _hits(maps: Tensor, masks: Tensor, grid: tuple[int, int]) -> Tensor:
    highest = upsampled(maps, grid, masks.shape[-1]).flatten(1).argmax(-1)
    on_object: Tensor = masks.flatten(1).gather(1, highest[:, None])[:, 0] >= 0.5
    return on_object.double()


def all_shares(batches: list[Shares]) -> Shares:
    """Put the images of several batches together."""
    return Shares(
        torch.cat([batch.area for batch in batches]),
        torch.cat([batch.attention for batch in batches]),
        {k: torch.cat([batch.difference[k] for batch in batches]) for k in batches[0].difference},
        {k: torch.cat([batch.hit[k] for batch in batches]) for k in batches[0].hit},
    )
