"""Lists image folders in the order of torchvision's ``ImageFolder``; DomainBed's split needs it.

What no image loader could read is refused here, with its path: a link to nothing, a link back to
a folder that holds it, a pipe, a name that is not UTF-8, a folder without permission.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.dataset import Dataset, Sample
from harness.errors import UserError

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""torchvision's IMG_EXTENSIONS, in lower case; endings match in any case."""
SYSTEM = frozenset(
    {
        "__MACOSX", "@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot",
        "lost+found", "$RECYCLE.BIN", "System Volume Information",
    }
)  # fmt: skip
"""Folders that file systems, network storage and archives leave behind, some of them with
thumbnails inside: no domain, no class, no image."""


def folders(path: Path) -> list[str]:
    """Return the names of the folders in `path`, sorted; hidden and SYSTEM ones left out.

    Raises:
        UserError: For what `_entries` refuses.
    """
    return sorted(entry.name for entry in _entries(path) if entry.is_dir())


def images(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[str]:
    """Return the image files below `path`, relative to it, as ``ImageFolder`` orders them.

    Folders in the order of their paths, in each the files by name. Hidden files and folders are
    left out (macOS's ``._dog.jpg`` is no image); a missing folder has no files.

    Raises:
        UserError: For what `_entries` refuses, or an image's name on what is no file.
    """
    found: dict[str, list[str]] = {}
    for inside, entry in _files(path, found):
        if entry.name.lower().endswith(suffixes):
            if not entry.is_file():
                what = "a link to nothing" if entry.is_symlink() else "no file but a pipe or device"
                raise UserError(f"{entry.path}: {what}; restore or delete it")
            found[inside].append(entry.name)
    # torchvision sorts the folders' paths without the slash at the end: "a b" before "a/b".
    order = sorted(found, key=lambda inside: inside.rstrip("/"))
    return [inside + name for inside in order for name in sorted(found[inside])]


def file_size(root: Path, key: str) -> int:
    """Return a file's size in bytes; for millions of files, so without a path object for each."""
    return os.stat(f"{root}/{key}").st_size


def endings(path: Path) -> Counter[str]:
    """Return how many files below `path` there are of each ending, hidden ones left out."""
    return Counter(os.path.splitext(entry.name)[1].lower() for _, entry in _files(path, {}))


def _files(path: Path, found: dict[str, list[str]]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield what is no folder, with the folder it is in; enter all these in `found`."""
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        found[inside] = []
        for entry in _entries(path / inside):
            if entry.is_dir():
                waiting.append(f"{inside}{entry.name}/")
            else:
                yield inside, entry


def _entries(path: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name[0] == "." or entry.name in SYSTEM:
                    continue
                if not entry.name.isprintable() and not _utf8(entry.name):
                    name = os.fsencode(entry.name).decode("ascii", "backslashreplace")
                    raise UserError(f"{path}: the name '{name}' in it is not UTF-8; rename it")
                if entry.is_symlink() and entry.is_dir():
                    inside, target = os.path.realpath(path), os.path.realpath(entry.path)
                    if os.path.commonpath([inside, target]) == target:
                        raise UserError(
                            f"{entry.path}: a link to {target}, which holds it; delete the link"
                        )
                yield entry
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{error.filename or path}: {reason}; make it readable") from None


def _utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def domain_samples(
    root: Path, domain: str, classes: Sequence[str], suffixes: tuple[str, ...] = SUFFIXES
) -> tuple[Sample, ...]:
    """Return the samples of root/domain/class/*, labelled by the position in `classes`."""
    return tuple(
        Sample(f"{domain}/{folder}/{name}", label, domain)
        for label, folder in enumerate(classes)
        for name in images(root / domain / folder, suffixes)
    )


def without_images(dataset: Dataset) -> Iterator[str]:
    """Yield a line for each domain that lacks a class: its accuracy is not over all of them."""
    for domain in dataset.domains:
        seen = {sample.label for sample in dataset.samples(domain)}
        absent = [name for label, name in enumerate(dataset.class_names) if label not in seen]
        if absent:
            yield (
                f"domain '{domain}' has no image of {', '.join(absent)}: its accuracy is over "
                f"fewer classes, among all {len(dataset.class_names)} names"
            )
