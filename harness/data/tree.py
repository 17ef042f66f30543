"""What lies in a folder: quick listings, and the errors of a data root that is not as expected."""

from __future__ import annotations

import os
from pathlib import Path

from harness.dataset import Dataset
from harness.errors import UserError

IMAGE_SUFFIXES = frozenset({"jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"})


def data_folder(dataset: type[Dataset], root: Path | None, folder: str) -> Path:
    """Return ``root/folder``, which must exist.

    Raises:
        UserError: If it does not; with the layout and the source.
    """
    if root is None:
        raise UserError(f"data set '{dataset.name}' needs --data-root DIR with {dataset.layout}")
    path = root / folder
    if path.is_dir():
        return path
    if not root.is_dir():
        raise UserError(f"--data-root {root}: no such folder")
    if root.name == folder.split("/")[0]:
        raise UserError(f"--data-root {root}: give the folder that holds {root.name}/, its parent")
    raise UserError(
        f"data set '{dataset.name}': --data-root {root} has no folder {folder}; "
        f"expected {dataset.layout}; from {dataset.source}"
    )


def image_names(folder: Path) -> list[str]:
    """Return the names of a folder's images, sorted; hidden files and other endings left out.

    Reads the directory only, not the files: a listing of a million images takes seconds.
    """
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    names = [n for n in names if n.rpartition(".")[2].lower() in IMAGE_SUFFIXES and n[0] != "."]
    return sorted(names)


def folder_names(folder: Path) -> list[str]:
    """Return the names of a folder's folders, sorted; hidden ones and ``__MACOSX`` left out."""
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if e.name[0] not in "._" and e.is_dir())
