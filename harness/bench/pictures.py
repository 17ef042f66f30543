"""Photographs to decode, and folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

DOMAINS = ("art", "photo", "sketch")
CLASSES = ("cat", "dog")


def photograph(number: int, width: int = 500, height: int = 375) -> Image.Image:
    """Return smooth shapes under fine noise: as much work for a JPEG decoder as a photograph."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)
    noisy = smooth + rng.normal(0, 12, smooth.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def write_pictures(root: Path, per_class: int) -> Path:
    """Write so many photographs of each class of each domain as JPEG files; return the root."""
    number = 0
    for domain in DOMAINS:
        for label in CLASSES:
            folder = root / domain / label
            folder.mkdir(parents=True)
            for name in range(per_class):
                photograph(number).save(folder / f"{name}.jpg", quality=90)
                number += 1
    return root
