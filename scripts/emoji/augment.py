"""Strong augmentation of drawings on white: other hands, other pens, other lights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SIZE = 48


def augment(images: Tensor, mono: Tensor) -> Tensor:
    """Return [B, 3, 48, 48] in 0..1 from [B, 3, 56, 56] uint8; `mono` marks black drawings."""
    x = images.float() / 255
    x = _pen(x, mono)
    x = 1 - _move(1 - x)
    x = _colour(x)
    return _erase(x.clamp(0, 1))


def _chance(count: int, probability: float) -> Tensor:
    return torch.rand(count, 1, 1, 1) < probability


def _between(count: int, low: float, high: float) -> Tensor:
    return torch.empty(count, 1, 1, 1).uniform_(low, high)


def _pen(x: Tensor, mono: Tensor) -> Tensor:
    """Turn a part of the coloured drawings into line art; make black strokes thicker or thinner."""
    count = len(x)
    black = mono.view(-1, 1, 1, 1)
    spread = F.max_pool2d(x, 3, 1, 1) + F.max_pool2d(-x, 3, 1, 1)
    # a window of two gives strokes of one pixel, as fine pens draw them
    padded = F.pad(x, (0, 1, 0, 1), mode="replicate")
    fine = F.max_pool2d(padded, 2, 1) + F.max_pool2d(-padded, 2, 1)
    spread = torch.where(_chance(count, 0.5), fine, spread)
    edges = (
        spread.amax(1, keepdim=True) * _between(count, 1.5, 4) - _between(count, 0, 0.4)
    ).clamp(0, 1)
    # line drawings of solid glyphs, too: openly licensed line icons lack many of the concepts
    lines = (~black & _chance(count, 0.45)) | (black & _chance(count, 0.15))
    x = torch.where(lines, (1 - edges).expand_as(x), x)
    black = black | lines
    thick = -F.max_pool2d(-x, 3, 1, 1)
    thin = F.max_pool2d(x, 3, 1, 1)
    share = _between(count, 0, 1)  # a whole pixel is much at 56 pixels: mix
    x = torch.where(black & _chance(count, 0.2), x + share * (thick - x), x)
    x = torch.where(black & _chance(count, 0.4), x + 0.8 * share * (thin - x), x)
    ink = torch.rand(count, 3, 1, 1)
    coloured = 1 - (1 - x) * (1 - ink)
    return torch.where(black & _chance(count, 0.25), coloured, x)


def _move(x: Tensor) -> Tensor:
    """Scale, stretch, turn, shift and mirror; what comes from outside is 0."""
    count = len(x)
    angle = torch.randn(count) * 0.12
    scale = torch.empty(count).uniform_(0.9, 1.6)  # of the grid: over 1 draws smaller
    stretch = torch.exp(torch.randn(count) * 0.08)
    mirror = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle), torch.sin(angle)
    shift = torch.empty(count, 2).uniform_(-1, 1) * (0.1 + 0.4 * (scale - 1).clamp_min(0))[:, None]
    rows = torch.stack(
        [
            torch.stack([scale * stretch * cos * mirror, -scale * sin, shift[:, 0]], 1),
            torch.stack([scale * sin * mirror, scale / stretch * cos, shift[:, 1]], 1),
        ],
        1,
    )
    grid = F.affine_grid(rows, [count, 3, SIZE, SIZE], align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def _colour(x: Tensor) -> Tensor:
    """Mix colours, grey out, light from a side, tint the background, invert."""
    count = len(x)
    mix = torch.eye(3) + 0.35 * torch.randn(count, 3, 3) * (torch.rand(count, 1, 1) < 0.4)
    mix = mix / mix.sum(2, keepdim=True).clamp_min(0.3)  # rows sum to one: white stays white
    x = torch.einsum("bij,bjhw->bihw", mix, x).clamp(0, 1)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * _between(count, 0.3, 1.5)
    x = torch.where(_chance(count, 0.15), grey.expand_as(x), x)
    # soft light: rendered art has smooth gradients that flat drawings lack
    light = F.interpolate(torch.randn(count, 1, 3, 3), size=(SIZE, SIZE), mode="bicubic")
    ink = (1 - x).amax(1, keepdim=True) > 0.05
    lit = x + 0.15 * light * _between(count, 0, 1)
    x = torch.where(ink & _chance(count, 0.5), lit, x)
    x = (x - 1) * _between(count, 0.7, 1.15) + 1
    tint = 1 - 0.5 * torch.rand(count, 3, 1, 1) * _chance(count, 0.12)
    x = x * tint
    return torch.where(_chance(count, 0.05), 1 - x, x)


def _erase(x: Tensor) -> Tensor:
    """Cover a rectangle of a fifth of the images."""
    for i in (torch.rand(len(x)) < 0.2).nonzero().flatten().tolist():
        height, width = torch.randint(6, SIZE // 3, (2,)).tolist()
        top = int(torch.randint(SIZE - height, ()))
        left = int(torch.randint(SIZE - width, ()))
        x[i, :, top : top + height, left : left + width] = 1.0 if top % 2 else 0.5
    return x
