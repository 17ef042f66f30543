from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from harness.clip.backbone import Preprocess
from harness.clip.compat import ensure_torchvision
from harness.data import transforms
from harness.data.images import to_rows
from harness.data.transforms import crop, crop_box, normalise, random_numbers

ensure_torchvision()
from open_clip.transform import image_transform  # noqa: E402
from torchvision.transforms import InterpolationMode, RandomResizedCrop  # noqa: E402
from torchvision.transforms import functional as F  # noqa: E402

BASE = Preprocess(
    image_size=16, mean=(0.48, 0.46, 0.41), std=(0.27, 0.26, 0.28),
    interpolation="bicubic", resize_mode="shortest",
)  # fmt: skip


def picture(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [(16, 16), (40, 23), (9, 31)])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("resize_mode", ["shortest", "squash"])
def test_the_test_transform_is_open_clips(
    size: tuple[int, int], interpolation: str, resize_mode: str
) -> None:
    image = picture(*size)
    ours = replace(BASE, interpolation=interpolation, resize_mode=resize_mode)
    theirs = image_transform(
        16, is_train=False, mean=BASE.mean, std=BASE.std,
        interpolation=interpolation, resize_mode=resize_mode,
    )  # fmt: skip
    got = normalise(transforms.test_pixels(image, ours)[None], ours)[0]
    torch.testing.assert_close(got, theirs(image), atol=1e-6, rtol=0)


def test_the_augmentation_is_a_crop_a_resize_and_a_flip_of_each_image() -> None:
    images = [to_rows(picture(20, 30)) for _ in range(40)]
    draws = torch.rand(40, 21, generator=torch.Generator().manual_seed(3)).tolist()
    numbers = random_numbers(40, torch.Generator().manual_seed(3))
    out = torch.stack(
        [crop(i, 8, (0.3, 1.0), True, "bilinear", n) for i, n in zip(images, numbers, strict=True)]
    )
    assert out.shape == (40, 3, 8, 8)
    assert out.dtype == torch.uint8
    flipped = 0
    for image, draw, got in zip(images, draws, out, strict=True):
        top, left, height, width = crop_box(30, 20, (0.3, 1.0), draw)
        pixels = image.permute(2, 0, 1)
        part = pixels[:, top : top + height, left : left + width].float()[None]
        plain = torch.nn.functional.interpolate(
            part, (8, 8), mode="bilinear", antialias=True, align_corners=False
        )[0]
        expected = plain.flip(-1) if draw[20] < 0.5 else plain
        flipped += draw[20] < 0.5
        assert (expected - got.float()).abs().max() <= 1  # rounding to whole pixels
    assert 10 < flipped < 30


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_crops_are_to_the_bit_those_of_the_authors_transforms(interpolation: str) -> None:
    """CoOp's and CLIPood's: torchvision's resized crop of a Pillow image."""
    image = picture(50, 40)
    draw = torch.rand(1, 21, generator=torch.Generator().manual_seed(5)).tolist()[0]
    got = crop(to_rows(image), 24, (0.3, 1.0), False, interpolation, draw)
    box = crop_box(40, 50, (0.3, 1.0), draw)
    mode = InterpolationMode(interpolation)
    theirs = np.array(F.resized_crop(image, *box, [24, 24], mode))
    assert np.array_equal(got.permute(1, 2, 0).numpy(), theirs)
    assert got.is_contiguous()


@pytest.mark.parametrize("shape", [(64, 64), (40, 100), (100, 10)])
def test_crops_are_distributed_as_torchvisions(shape: tuple[int, int]) -> None:
    height, width = shape
    torch.manual_seed(0)
    draws = torch.rand(4000, 21).tolist()
    ours = np.array([crop_box(height, width, (0.3, 1.0), draw) for draw in draws], dtype=float)
    image = torch.zeros(3, height, width)
    theirs = np.array(
        [RandomResizedCrop.get_params(image, [0.3, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)],
        dtype=float,
    )
    assert (ours[:, :2] >= 0).all()
    assert (ours[:, 0] + ours[:, 2] <= height).all()
    assert (ours[:, 1] + ours[:, 3] <= width).all()
    error = 5 * theirs.std(axis=0) * np.sqrt(2 / 4000) + 1e-9
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) <= error).all()
    assert np.abs(ours.std(axis=0) - theirs.std(axis=0)).max() < 0.06 * max(shape)
