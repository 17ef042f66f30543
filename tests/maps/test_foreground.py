"""Shares of attention on the object against slow references written out here."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.emoji import Emoji
from harness.clip.backbone import Preprocess
from harness.data.transforms import test_pixels as through_the_test_transform
from harness.maps.compute import Maps
from harness.maps.foreground import all_shares, mask_pixels, patch_shares, shares
from harness.maps.measure import numbers_of


def preprocess(size: int, mode: str = "shortest") -> Preprocess:
    return Preprocess(size, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), "bicubic", mode)


def test_shares_against_loops() -> None:
    draw = torch.Generator().manual_seed(0)
    grid, size, n, blocks = (2, 3), 6, 4, 5
    masks = torch.rand(n, size, size, generator=draw, dtype=torch.float64)
    rows = torch.rand(n, blocks, 6, generator=draw, dtype=torch.float64).softmax(-1)
    similarity = torch.randn(n, 6, generator=draw, dtype=torch.float64)
    found = shares(Maps(rows, {"plain": similarity}), masks, grid)
    for i in range(n):
        parts = []  # patches are 3 x 2 pixels here
        for top in (0, 3):
            for left in (0, 2, 4):
                pixels = [masks[i, top + y, left + x] for y in range(3) for x in range(2)]
                parts.append(float(sum(pixels)) / 6)
        assert float(found.area[i]) == pytest.approx(float(masks[i].mean()))
        for b in range(blocks):
            expected = sum(float(rows[i, b, j]) * parts[j] for j in range(6))
            assert float(found.attention[i, b]) == pytest.approx(expected)
        low, high = float(similarity[i].min()), float(similarity[i].max())
        values = [(float(v) - low) / (high - low) for v in similarity[i]]
        inside = sum(v * p for v, p in zip(values, parts, strict=True)) / sum(parts)
        outside = sum(v * (1 - p) for v, p in zip(values, parts, strict=True))
        outside /= sum(1 - p for p in parts)
        assert float(found.difference["plain"][i]) == pytest.approx(inside - outside)
    uniform = shares(Maps(torch.full((n, 1, 6), 1 / 6), {}), masks, grid)
    assert torch.allclose(uniform.attention[:, 0], uniform.area)
    numbers = numbers_of(all_shares([found, found]), 2)
    mean = 100 * float(found.attention[:, -2:].mean())
    assert numbers["last 2"] == pytest.approx(mean)
    assert numbers["last 2 / area"] == pytest.approx(100 * mean / numbers["area"])
    assert numbers["first 2"] == pytest.approx((numbers["block 1"] + numbers["block 2"]) / 2)


def test_the_pointing_game_asks_where_the_highest_pixel_is() -> None:
    masks = torch.zeros(2, 8, 8)
    masks[:, :4, 4:] = 1  # the upper right patch of 2 x 2
    on = torch.tensor([[0.1, 0.9, 0.2, 0.3], [0.9, 0.1, 0.2, 0.3]])
    found = shares(Maps(torch.full((2, 1, 4), 0.25), {"plain": on}), masks, (2, 2))
    assert found.hit["plain"].tolist() == [1.0, 0.0]
    assert found.difference["plain"][0] == pytest.approx(1 - (0 + 0.125 + 0.25) / 3)


@pytest.mark.parametrize("mode", ["shortest", "squash"])
def test_a_mask_goes_where_the_image_goes(mode: str) -> None:
    pixels = np.zeros((20, 40), dtype=np.uint8)
    pixels[5:12, 8:31] = 255
    size = preprocess(16, mode)
    image = through_the_test_transform(Image.fromarray(pixels).convert("RGB"), size)
    assert torch.equal(mask_pixels(pixels, size), image[1].double() / 255)
    area = patch_shares(mask_pixels(pixels, size)[None], (2, 2)).mean()
    assert float(area) == pytest.approx(float(image[0].double().mean()) / 255)


def test_emoji_masks_are_their_opacity_and_lines_enclose() -> None:
    data = Emoji(Emoji.Options(), None)
    for domain in data.domains:
        sample = data.samples(domain)[0]
        with Image.open(io.BytesIO(data.read(sample))) as image:
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
        mask = data.mask(sample)
        assert mask.shape == alpha.shape == (64, 64)
        assert (mask >= alpha).all()
        assert (mask != alpha).any() == (domain == "openmoji_line")
        assert 0.05 < mask.mean() / 255 < 0.95
