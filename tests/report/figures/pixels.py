"""Pictures as pixels."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def size_of(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as image:
        return image.size


def ink(png: bytes) -> NDArray[np.bool_]:
    """Return which pixels are nearly black."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("L")) < 100


def pixels(png: bytes) -> NDArray[np.float64]:
    """Return [height, width, 3] in 0..1."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")) / 255
