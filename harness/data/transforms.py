"""From pixels to the tower's input: training augmentation and the model's own test transform."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from PIL import Image
from torch import Tensor

from harness.clip.backbone import Preprocess
from harness.data.images import to_tensor


def test_pixels(image: Image.Image, preprocess: Preprocess) -> Tensor:
    """Resize and crop as the model's configuration says; return [3, S, S] uint8.

    `shortest` resizes the shorter side and crops the centre (CLIP); `squash` ignores the aspect.
    Equal to open_clip's own test transform before its conversion to float.
    """
    from harness.clip.compat import ensure_torchvision

    ensure_torchvision()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as F

    size = preprocess.image_size
    mode = InterpolationMode(preprocess.interpolation)
    if preprocess.resize_mode == "squash":
        return to_tensor(F.resize(image, [size, size], mode))
    return to_tensor(F.center_crop(F.resize(image, size, mode), [size, size]))


def normalise(pixels: Tensor, preprocess: Preprocess) -> Tensor:
    """Return float32 input of [B, 3, S, S] uint8 pixels, with the model's mean and deviation."""
    mean, std = _constants(preprocess, pixels.device)
    return pixels.float().div_(255).sub_(mean).div_(std)


@cache
def _constants(preprocess: Preprocess, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return mean and deviation [3, 1, 1] on a device, copied there once."""
    mean, std = (
        torch.tensor(v, device=device).view(3, 1, 1) for v in (preprocess.mean, preprocess.std)
    )
    return mean, std


def random_numbers(count: int, generator: torch.Generator) -> list[list[float]]:
    """Return what `crop` takes for each of `count` images."""
    draws: list[list[float]] = torch.rand(count, 21, generator=generator).tolist()
    return draws


def crop(
    image: Tensor | Image.Image,
    size: int,
    scale: tuple[float, float],
    flip: bool,
    interpolation: str,
    draw: Sequence[float],
) -> Tensor:
    """Random resized crop and horizontal flip, as torchvision's transforms draw them.

    Resized by Pillow, as the methods' authors do: on tensors torchvision's bicubic is off by up to
    a dozen levels of 255 at edges.

    Args:
        image: [H, W, 3] uint8, or Pillow's RGB.
        size: Side of the result in pixels.
        scale: Range of the crop's share of the area; its aspect is in 3/4 .. 4/3.
        flip: Flip with probability one half.
        interpolation: ``bilinear`` (CLIPood) or ``bicubic`` (CoOp).
        draw: An image's `random_numbers`.

    Returns:
        [3, size, size] uint8.
    """
    rows, columns = image.shape[:2] if isinstance(image, Tensor) else image.size[::-1]
    top, left, height, width = crop_box(rows, columns, scale, draw)
    if isinstance(image, Tensor):
        part = Image.fromarray(image[top : top + height, left : left + width].numpy())
    else:
        part = image.crop((left, top, left + width, top + height))
    out = to_tensor(part.resize((size, size), Image.Resampling[interpolation.upper()]))
    return out.flip(-1) if flip and draw[20] < 0.5 else out


def crop_box(
    height: int, width: int, scale: tuple[float, float], draw: Sequence[float]
) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of a random resized crop from 20 uniform draws.

    Nine tries of (area, log aspect), then the central crop of the nearest allowed aspect, as
    torchvision's ``RandomResizedCrop.get_params``.
    """
    low, high = 3 / 4, 4 / 3
    for attempt in range(9):
        area = height * width * (scale[0] + (scale[1] - scale[0]) * draw[2 * attempt])
        aspect = low * (high / low) ** draw[2 * attempt + 1]
        w, h = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
        if 0 < w <= width and 0 < h <= height:
            top = min(int(draw[18] * (height - h + 1)), height - h)
            left = min(int(draw[19] * (width - w + 1)), width - w)
            return top, left, h, w
    w = min(width, round(height * high))
    h = min(height, round(width / low))
    return (height - h) // 2, (width - w) // 2, h, w
