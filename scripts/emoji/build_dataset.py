#!/usr/bin/env python
"""Build datasets/emoji_data: the same emoji in four vendors' hands, 64 x 64, one zip per domain.

Two builds from the same packages are equal byte for byte; --check compares without writing.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from concepts import class_members, normal, read_concepts
from licences import licence_text
from PIL import Image
from render import fitted, icon_svg, rasterise, webp
from sources import fetch, read_sources

SIZE = 64
DOMAINS = ("fluent_3d", "noto", "openmoji_line", "twemoji")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""A zip's earliest date: the archive says nothing of when it was made."""


@dataclass(frozen=True)
class Domain:
    """One vendor's drawings: which emoji it has, and how one becomes an image."""

    codes: frozenset[str]
    draw: Callable[[str], Image.Image]


def from_iconify(package: Path) -> Domain:
    """Return an emoji set of iconify's, by the code points in its chars.json."""
    chars = json.loads((package / "chars.json").read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    for code, name in sorted(chars.items()):
        if icon_svg(package, name, SIZE) is not None:
            names.setdefault(normal(code), name)

    def draw(code: str) -> Image.Image:
        svg = icon_svg(package, names[code], SIZE)
        assert svg is not None
        return rasterise(svg, SIZE)

    return Domain(frozenset(names), draw)


def from_files(folder: Path, suffix: str) -> Domain:
    """Return the emoji of a folder of SVG or bitmap files that are named by code point."""
    files = {normal(path.stem): path for path in sorted(folder.glob(f"*{suffix}"))}

    def draw(code: str) -> Image.Image:
        path = files[code]
        if suffix == ".svg":
            return rasterise(path.read_text(encoding="utf-8"), SIZE)
        with Image.open(path) as image:
            return fitted(image, SIZE)

    return Domain(frozenset(files), draw)


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return a zip of the members, which depends on nothing but their names and bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = 3  # or the platform's own is written
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return buffer.getvalue()


def build(cache: Path) -> dict[str, bytes]:
    """Return every file of the data set by name."""
    table = read_sources()
    sources = {s.use: s for s in table if s.use in DOMAINS}
    names = next(s for s in table if s.package == "emojibase-data")
    at = {use: fetch(source, cache) for use, source in sources.items()}
    domains = {
        "fluent_3d": from_files(at["fluent_3d"] / "assets", ".webp"),
        "noto": from_iconify(at["noto"]),
        "openmoji_line": from_files(at["openmoji_line"] / "black" / "svg", ".svg"),
        "twemoji": from_iconify(at["twemoji"]),
    }
    concepts = read_concepts(fetch(names, cache))
    everywhere = frozenset.intersection(*(d.codes for d in domains.values()))
    classes = class_members(concepts, set(everywhere))
    files = {}
    for name in DOMAINS:
        files[f"{name}.zip"] = pack(
            {
                f"{label.replace(' ', '_')}/{code}.webp": webp(domains[name].draw(code))
                for label, codes in classes.items()
                for code in codes
            }
        )
    index = {
        "classes": list(classes),
        "size": SIZE,
        "counts": {label: len(codes) for label, codes in classes.items()},
        "domains": {
            name: {
                "sha256": hashlib.sha256(files[f"{name}.zip"]).hexdigest(),
                "package": sources[name].package,
                "version": sources[name].version,
                "licence": sources[name].licence,
            }
            for name in DOMAINS
        },
        "emoji": [
            {"hexcode": code, "label": concepts[code].label, "class": label}
            for label, codes in classes.items()
            for code in codes
        ],
    }
    text = json.dumps(index, ensure_ascii=False, indent=1) + "\n"
    files["index.json"] = text.encode()
    files["LICENSES.md"] = licence_text({name: sources[name] for name in DOMAINS}, names).encode()
    return files


def main() -> None:
    """Write the data set, or compare it with what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache-dir", type=Path, required=True, help="npm packages, unpacked")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    args = parser.parse_args()
    args.cache_dir.mkdir(parents=True, exist_ok=True)
    files = build(args.cache_dir)
    if args.check:
        present = {p.name: p.read_bytes() for p in args.out.iterdir() if p.is_file()}
        wrong = sorted(n for n in files.keys() | present.keys() if files.get(n) != present.get(n))
        if wrong:
            raise SystemExit(f"not as built: {', '.join(wrong)}")
        print(f"{len(files)} files as built")
        return
    args.out.mkdir(parents=True, exist_ok=True)
    for name, data in sorted(files.items()):
        (args.out / name).write_bytes(data)
        print(f"{name:20s} {len(data) / 1e6:6.2f} MB")
    for label, count in json.loads(files["index.json"])["counts"].items():
        print(f"{label:20s} {count:3d}")


if __name__ == "__main__":
    main()
