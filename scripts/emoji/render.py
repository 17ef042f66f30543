"""Drawings of npm packages to pixels: iconify JSON, SVG files, bitmap files."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import resvg_py
from PIL import Image


@cache
def icons(package: Path) -> dict[str, Any]:
    """Return the icons.json of an iconify package."""
    data: dict[str, Any] = json.loads((package / "icons.json").read_text(encoding="utf-8"))
    return data


def icon_svg(package: Path, name: str, size: int) -> str | None:
    """Return an icon as an SVG document in black; None for rotated or flipped aliases."""
    data = icons(package)
    icon = data["icons"].get(name)
    if icon is None:
        alias = data.get("aliases", {}).get(name)
        if alias is None or set(alias) != {"parent"}:
            return None
        return icon_svg(package, alias["parent"], size)
    width, height = (icon.get(side, data.get(side, 16)) for side in ("width", "height"))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{box}" width="{size}" height="{size}">'
        f"{icon['body'].replace('currentColor', '#000')}</svg>"
    )


def rasterise(svg: str, size: int) -> Image.Image:
    """Return the drawing as [size, size] RGBA.

    Raises:
        Exception: What resvg raises for a drawing it cannot parse.
    """
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size)
    return fitted(Image.open(io.BytesIO(bytes(png))), size)


def fitted(image: Image.Image, size: int) -> Image.Image:
    """Return RGBA of exactly size x size, the aspect kept, centred on nothing."""
    image = image.convert("RGBA")
    if image.size == (size, size):
        return image
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    if max(image.size) < size:
        scale = size / max(image.size)
        image = image.resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS
        )
    canvas = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    canvas.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return canvas


def on_white(image: Image.Image) -> Image.Image:
    """Return RGB with what is transparent in white."""
    background = Image.new("RGBA", image.size, (255, 255, 255, 255))
    background.alpha_composite(image)
    return background.convert("RGB")


def webp(image: Image.Image) -> bytes:
    """Return the image as lossless WebP, exact in transparent pixels too."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True, quality=100, method=6, exact=True)
    return buffer.getvalue()
