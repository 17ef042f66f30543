"""From weights to panels: maps of a few held-out images, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from harness.clip.attention import Branch
from harness.clip.backbone import Preprocess
from harness.data.bank import ImageBank
from harness.errors import UserError, unknown_name
from harness.maps.compute import BRANCHES, Maps, maps_of, min_max, tower_of, upsampled
from harness.maps.figures.panels import MapColumn, MapImage
from harness.maps.foreground import mask_pixels
from harness.maps.measure import Pictured, texts_of
from harness.training.build import BuiltMethod

SIDE = 192
"""Pixels of a panel, at least."""


def chosen_images(images: Sequence[Pictured], asked: str) -> list[Pictured]:
    """Return the images to draw: those named, or the first of N evenly spread classes.

    Args:
        images: All that may be drawn, in the data set's order.
        asked: N, or keys separated by commas.

    Raises:
        UserError: For an unknown key, or N below 1.
    """
    if not asked.isdigit():
        by_key = {image.sample.key: image for image in images}
        keys = [key.strip() for key in asked.split(",") if key.strip()]
        for key in keys:
            if key not in by_key:
                near = {k for k in by_key if k.split("/")[0] == key.split("/")[0]} or set(by_key)
                known = sorted(near)[:5]
                raise unknown_name("image", key, known, "the first held-out keys are shown")
        return [by_key[key] for key in keys]
    if int(asked) < 1:
        raise UserError(f"--images {asked}: give 1 or more, or keys of images")
    first: dict[str, Pictured] = {}
    for image in images:
        first.setdefault(image.class_name, image)
    names = sorted(first)
    n = min(int(asked), len(names))
    return [first[names[i * len(names) // n]] for i in range(n)]


def picture_rows(bank: ImageBank, images: Sequence[Pictured]) -> list[MapImage]:
    """Return what the first column shows: the images as the model's test transform leaves them."""
    mean, std = (
        torch.tensor(values).view(3, 1, 1)
        for values in (bank.backbone.preprocess.mean, bank.backbone.preprocess.std)
    )
    rows = []
    for image in images:
        pixels = (bank.test_images([image.sample])[0].cpu() * std + mean) * 255
        rgb = pixels.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
        size = side(bank.backbone.preprocess)
        shown = Image.fromarray(rgb).resize((size, size), Image.Resampling.BICUBIC)
        mask = bank.dataset.mask(image.sample)
        outline = None
        if mask is not None:
            grey = mask_pixels(mask, bank.backbone.preprocess)
            layer = Image.fromarray((grey * 255).byte().numpy())
            outline = np.asarray(layer.resize((size, size), Image.Resampling.BICUBIC))
        rows.append(MapImage(image.class_name, np.asarray(shown), outline))
    return rows


def side(preprocess: Preprocess) -> int:
    """Return the side of a panel in pixels: the model's input, enlarged if it is small."""
    return max(preprocess.image_size, SIDE)


@dataclass(frozen=True)
class RowMaps:
    """A row's maps of the images to draw."""

    label: str
    maps: Maps
    grid: tuple[int, int]
    size: int
    with_branches: bool

    def column(self, values: Tensor, group: str) -> MapColumn:
        """Return panels of maps [B, N], each stretched to its own minimum and maximum."""
        panels = upsampled(min_max(values.double().cpu()), self.grid, self.size)
        return MapColumn(group, self.label, tuple(panels.numpy()))


def row_maps(
    label: str, built: BuiltMethod, bank: ImageBank, images: Sequence[Pictured], with_branches: bool
) -> RowMaps:
    """Compute a row's maps; the branches only where they are to be drawn."""
    texts = texts_of(built.backbone, bank, images)
    pixels = bank.test_images([image.sample for image in images])
    wanted: tuple[Branch, ...] = BRANCHES if with_branches else ()
    maps = maps_of(built.backbone, pixels, texts, wanted)
    size = side(bank.backbone.preprocess)
    return RowMaps(label, maps, tower_of(built.backbone).grid, size, with_branches)


def attention_columns(rows: Sequence[RowMaps], layers: int) -> list[MapColumn]:
    """Return the columns of the attention figure: first and last K blocks, every row."""
    blocks = rows[0].maps.attention.shape[1]
    groups = (
        (f"blocks 1–{layers}" if layers > 1 else "block 1", slice(0, layers)),
        (
            f"blocks {blocks - layers + 1}–{blocks}" if layers > 1 else f"block {blocks}",
            slice(blocks - layers, blocks),
        ),
    )
    return [
        row.column(row.maps.attention[:, part].mean(1), f"Class-token attention, {name}")
        for name, part in groups
        for row in rows
    ]


def similarity_columns(rows: Sequence[RowMaps]) -> list[MapColumn]:
    """Return the columns of the similarity figure: the ordinary path, then the branches."""
    columns = [
        row.column(row.maps.similarity["plain"], "Similarity, ordinary path") for row in rows
    ]
    for branch in BRANCHES:
        columns += [
            row.column(row.maps.similarity[branch], f"{branch.upper()} branch")
            for row in rows
            if row.with_branches
        ]
    return columns
