from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from harness.data.images import decode
from harness.errors import UserError


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


GRADIENT = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_grey_and_cmyk_become_rgb() -> None:
    grey = decode(encoded(Image.fromarray(GRADIENT)), "f")
    assert grey.mode == "RGB"
    assert np.array_equal(np.asarray(grey)[..., 1], GRADIENT)
    rgb = Image.new("RGB", (8, 8), (200, 30, 90))
    cmyk = decode(encoded(rgb.convert("CMYK"), "JPEG"), "f")
    assert np.abs(np.asarray(cmyk).astype(int) - (200, 30, 90)).max() < 6


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    deep = Image.fromarray(GRADIENT.astype(np.uint16) * 257)
    assert np.array_equal(np.asarray(decode(encoded(deep), "f"))[..., 0], GRADIENT)


def test_transparency_lies_over_white() -> None:
    image = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    image.putpixel((1, 1), (10, 20, 30, 255))
    pixels = np.asarray(decode(encoded(image), "f"))
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    assert tuple(pixels[1, 1]) == (10, 20, 30)


def test_a_palette_with_a_transparent_entry() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([9, 9, 9, 200, 0, 0])
    image.putpixel((2, 2), 1)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=0)
    pixels = np.asarray(decode(buffer.getvalue(), "f"))
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    assert tuple(pixels[2, 2]) == (200, 0, 0)


def test_a_truncated_jpeg_is_read_like_domainbed_does() -> None:
    data = encoded(Image.effect_noise((64, 64), 50).convert("RGB"), "JPEG")
    assert decode(data[: len(data) * 3 // 4], "f").size == (64, 64)


@pytest.mark.parametrize("data", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_an_unreadable_image_is_one_line_with_its_name(data: bytes) -> None:
    with pytest.raises(UserError, match=r"a/b.png: not a readable image .*replace or") as caught:
        decode(data, "a/b.png")
    assert "\n" not in str(caught.value)
