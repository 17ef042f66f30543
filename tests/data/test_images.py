from __future__ import annotations

import io
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from harness.data import images
from harness.data.images import damaged, decode
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
    short = data[: len(data) * 3 // 4]
    damaged()
    assert decode(short, "a/b.jpg").size == (64, 64)
    assert damaged().startswith("damaged, read as far as it goes, the rest grey: a/b.jpg; `data")
    assert damaged() == ""
    with pytest.raises(UserError, match=r"a/b.jpg: not a readable image .*truncated"):
        decode(short, "a/b.jpg", whole=True)


def test_every_damaged_image_is_named_whatever_other_threads_read() -> None:
    whole = encoded(Image.effect_noise((64, 64), 50).convert("RGB"), "JPEG")
    short = whole[: len(whole) // 2]
    damaged()
    with ThreadPoolExecutor(8) as pool:
        for i in range(200):
            pool.submit(decode, short if i % 2 else whole, f"{i % 2}/{i}")
    assert len(images._damaged) == 100
    assert all(name.startswith("1/") for name in images._damaged)
    assert damaged().endswith("and 99 more; `data verify --decode` names all")


@pytest.mark.parametrize("data", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_an_unreadable_image_is_one_line_with_its_name(data: bytes) -> None:
    with pytest.raises(UserError, match=r"a/b.png: not a readable image .*replace or") as caught:
        decode(data, "a/b.png")
    assert "\n" not in str(caught.value)


def grey_tiff(bits: int, samples: bytes, side: int) -> bytes:
    """Return a TIFF of one uncompressed strip, as Pillow itself cannot write it."""
    tags = [(256, side), (257, side), (258, bits), (259, 1), (262, 1), (273, 8), (278, side),
            (279, len(samples))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    ifd = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(samples)) + samples + ifd


def test_twelve_bits_are_scaled_by_twelve() -> None:
    pairs = [(0, 4095), (2048, 1024)]  # two pixels in three bytes
    packed = b"".join(bytes((a >> 4, (a & 15) << 4 | b >> 8, b & 255)) for a, b in pairs)
    pixels = np.asarray(decode(grey_tiff(12, packed, 2), "f"))[..., 0]
    assert pixels.tolist() == [[0, 255], [128, 64]]


def test_sixteen_bits_of_a_pgm_are_scaled() -> None:
    deep = Image.fromarray(GRADIENT.astype(np.uint16) * 257)
    assert np.array_equal(np.asarray(decode(encoded(deep, "PPM"), "f"))[..., 0], GRADIENT)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (GRADIENT.astype(np.float32) / 255, "32-bit pixels from 0 to 1, and no word of which"),
        (GRADIENT.astype(np.int32), "32-bit pixels from 0 to 255"),
        (GRADIENT.astype(np.uint16) * 16, "16-bit pixels of at most 4080, nearly black: 12-bit"),
    ],
)
def test_pixels_of_unknown_range_are_refused_not_black(pixels: object, message: str) -> None:
    with pytest.raises(UserError, match=f"a.tif: not a readable image .{message}"):
        decode(encoded(Image.fromarray(pixels), "TIFF"), "a.tif")


def test_a_black_sixteen_bit_image_is_black() -> None:
    black = Image.fromarray(np.zeros((4, 4), np.uint16))
    assert np.asarray(decode(encoded(black, "TIFF"), "f")).max() == 0


def test_long_text_beside_the_pixels_is_no_reason_to_refuse_them() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "x" * 2**22, zip=True)
    buffer = io.BytesIO()
    Image.fromarray(GRADIENT).save(buffer, "PNG", pnginfo=text)
    assert np.array_equal(np.asarray(decode(buffer.getvalue(), "f", whole=True))[..., 0], GRADIENT)
