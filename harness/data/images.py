"""Decoding: any image file to RGB pixels, with an error that names the file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from PIL import Image, ImageFile
from torch import Tensor

from harness.errors import UserError

# DomainBed sets it too: some images of the public data sets end a few bytes early.
ImageFile.LOAD_TRUNCATED_IMAGES = True


@contextmanager
def whole_only() -> Iterator[None]:
    """Refuse images that end early while inside, in all threads: for `data verify` alone."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = True


def decode(data: bytes, where: str) -> Image.Image:
    """Decode to an RGB image; transparency is laid over white.

    Args:
        data: The encoded file.
        where: The file's name, for the message.

    Raises:
        UserError: If Pillow cannot read it.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return _rgb(image)
    except Exception as error:  # Pillow raises many kinds: OSError, SyntaxError, struct.error ...
        reason = str(error).replace("\n", " ") or type(error).__name__
        raise UserError(
            f"{where}: not a readable image ({reason}); replace or delete the file"
        ) from None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow clips 16-bit grey at 255 when converting; scale it instead.
        values = np.asarray(image, dtype=np.float64) / 257.0
        return Image.fromarray(values.clip(0, 255).round().astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        background = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        background.alpha_composite(layer)
        return background.convert("RGB")
    return image.convert("RGB")


def to_rows(image: Image.Image) -> Tensor:
    """Return the pixels as [H, W, 3] uint8, as Pillow has them."""
    return torch.from_numpy(np.array(image))


def to_tensor(image: Image.Image) -> Tensor:
    """Return the pixels as [3, H, W] uint8."""
    return to_rows(image).permute(2, 0, 1).contiguous()
