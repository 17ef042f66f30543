"""Lists image folders in the order of torchvision's ``ImageFolder``; DomainBed's split needs it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.dataset import Sample

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""torchvision's IMG_EXTENSIONS, in lower case; endings match in any case."""


def folders(path: Path) -> list[str]:
    """Return the names of the folders in `path`, sorted; hidden ones and ``__MACOSX`` left out."""
    try:
        with os.scandir(path) as entries:
            return sorted(e.name for e in entries if e.name[0] not in "._" and e.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def images(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[str]:
    """Return the image files below `path`, relative to it, as ``ImageFolder`` orders them.

    Folders in the order of their paths, in each the files by name. Hidden files and folders are
    left out (macOS's ``._dog.jpg`` is no image); a missing folder has no files.
    """
    found: dict[str, list[str]] = {}
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        files = found[inside] = []
        try:
            entries = os.scandir(path / inside)
        except (FileNotFoundError, NotADirectoryError):
            continue
        with entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    waiting.append(f"{inside}{entry.name}/")
                elif entry.name.lower().endswith(suffixes):
                    files.append(entry.name)
    # torchvision sorts the folders' paths without the slash at the end: "a b" before "a/b".
    order = sorted(found, key=lambda inside: inside.rstrip("/"))
    return [inside + name for inside in order for name in sorted(found[inside])]


def domain_samples(
    root: Path, domain: str, classes: Sequence[str], suffixes: tuple[str, ...] = SUFFIXES
) -> tuple[Sample, ...]:
    """Return the samples of root/domain/class/*, labelled by the position in `classes`."""
    return tuple(
        Sample(f"{domain}/{folder}/{name}", label, domain)
        for label, folder in enumerate(classes)
        for name in images(root / domain / folder, suffixes)
    )
