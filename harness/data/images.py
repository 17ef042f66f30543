"""Decoding: any image file to RGB pixels, with an error that names the file."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFile, PngImagePlugin, UnidentifiedImageError

from harness.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

# Pillow refuses text of more than 1 MiB beside the pixels, but not when it reads images that end
# early: the same file would be readable in a run and not in `data verify`.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 2**28
_TIFF_BITS = 258
_TWELVE_BITS = 4095


_one_at_a_time = threading.Lock()
_turns = 0
"""How often Pillow's switch for damaged images, one for all threads, was turned: odd while on."""
_damaged: dict[str, None] = {}


def decode(data: bytes, where: str, whole: bool = False) -> Image.Image:
    """Decode to an RGB image; transparency is laid over white.

    A damaged image is read as far as it goes, the rest grey, and `damaged` names it: DomainBed
    reads these, too, for some images of the public data sets end a few bytes early.

    Args:
        data: The encoded file.
        where: The file's name, for the message.
        whole: Refuse damaged images.

    Raises:
        UserError: If Pillow cannot read it.
    """
    global _turns
    before = _turns
    try:
        image = _decoded(data)
    except Exception:  # Pillow raises many kinds: OSError, SyntaxError, struct.error ...
        pass
    else:
        if before == _turns and before % 2 == 0:
            return image
    with _one_at_a_time:
        try:
            return _decoded(data)
        except Exception as error:
            if whole:
                raise _refusal(error, where) from None
        _turns += 1
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            image = _decoded(data)
        except Exception as error:
            raise _refusal(error, where) from None
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
            _turns += 1
        _damaged[where] = None
        return image


def damaged() -> str:
    """Return a line on the damaged images that were decoded since it was asked for; or nothing."""
    names = list(_damaged)
    _damaged.clear()
    if not names:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return (
        f"damaged, read as far as it goes, the rest grey: {names[0]}{more}; "
        "`data verify --decode` names all"
    )


def _decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        # in one go: Pillow's blocks of 64 KiB are for files, and between two threads wait
        image.decodermaxblock = max(len(data), ImageFile.MAXBLOCK)
        image.load()
        return _rgb(image)


def _refusal(error: Exception, where: str) -> UserError:
    # Pillow would name the buffer, not the file
    known = not isinstance(error, UnidentifiedImageError)
    lines = str(error).splitlines() if known else ["of no format that Pillow knows"]
    reason = lines[0] if lines else type(error).__name__
    return UserError(f"{where}: not a readable image ({reason}); replace or delete the file")


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return _grey(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        background = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        background.alpha_composite(layer)
        return background.convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _grey(image: Image.Image) -> Image.Image:
    """Return deep grey pixels as 8 bits: Pillow clips them at 255 when converting.

    Raises:
        ValueError: Where the file does not say which value is white.
    """
    values = np.asarray(image, dtype=np.float64)
    # what Pillow reads as 32 bits from PNG and PGM are 16, scaled to the whole range
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
        raise ValueError(
            f"32-bit pixels from {values.min():g} to {values.max():g}, and no word of which value "
            "is white: save it with 8 or 16 bits"
        )
    tags = getattr(image, "tag_v2", {})
    white = 65535 >> max(0, 16 - tags[_TIFF_BITS][0]) if _TIFF_BITS in tags else 65535
    if white == 65535 and 0 < values.max() <= _TWELVE_BITS:
        raise ValueError(
            f"16-bit pixels of at most {values.max():g}, nearly black: 12-bit values in 16 bits? "
            "scale them to 65535"
        )
    return Image.fromarray((values * (255 / white)).clip(0, 255).round().astype(np.uint8))


def to_rows(image: Image.Image) -> Tensor:
    """Return the pixels as [H, W, 3] uint8, as Pillow has them."""
    import torch  # not where files are only looked at

    return torch.from_numpy(np.array(image))


def to_tensor(image: Image.Image) -> Tensor:
    """Return the pixels as [3, H, W] uint8."""
    return to_rows(image).permute(2, 0, 1).contiguous()
