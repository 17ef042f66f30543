"""DomainBed's data sets in miniature, laid out as the real ones."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from harness import registry
from tests.conftest import COLOURS, draw


def layout(name: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return folder, domains and class folders (DomainNet's are made up)."""
    cls = registry.dataset_class(name)
    classes = cls.classes or tuple(f"thing_{i:03d}" for i in range(345))  # type: ignore[attr-defined]
    return cls.folder, tuple(cls.expected), classes  # type: ignore[attr-defined]


def make_mini(root: Path, name: str = "PACS", per_class: int = 3) -> Path:
    """Write root/<folder>/<domain>/<class>/*.jpg and return root; all are links to a few files."""
    folder, domains, classes = layout(name)
    root.mkdir(parents=True, exist_ok=True)
    drawn = []
    for i, colour in enumerate(COLOURS.values()):
        drawn.append(root / f".{i}.jpg")
        draw(colour, i, i).save(drawn[-1])
    for domain in domains:
        for label, cls in enumerate(classes):
            place = root / folder / domain / cls
            place.mkdir(parents=True)
            for i in range(per_class):
                os.link(drawn[label % len(drawn)], place / f"pic_{i:03d}.jpg")
    return root


def replace(path: Path, data: bytes | Image.Image, kind: str = "PNG", **options: object) -> None:
    """Put another file where a link is."""
    path.unlink(missing_ok=True)
    if isinstance(data, bytes):
        path.write_bytes(data)
    else:
        data.save(path, kind, **options)
