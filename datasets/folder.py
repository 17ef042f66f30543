"""A plain image folder of the user's own: ``root/domain/class/*.jpg``."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import ExifTags, Image, ImageOps

from harness.data.listing import (
    SUFFIXES,
    domain_samples,
    endings,
    file_size,
    folders,
    without_images,
)
from harness.data.names import clashes
from harness.dataset import Dataset, DatasetOptions, Sample
from harness.errors import UserError

ENDINGS = (*SUFFIXES, ".gif", ".jfif", ".jpe", ".avif")
SPLITS = {"train", "training", "val", "valid", "validation", "dev", "eval", "test", "testing"}
"""What people call the parts of a data set; a class or a domain of this name is a mistake."""


class FolderOptions(DatasetOptions):
    """Options of `folder`."""

    exif: bool = False
    """Turn images as their EXIF orientation says. DomainBed and CoOp ignore it, and so do all
    other data sets here."""


class Folder(Dataset):
    """Domains are the folders in the root, classes those within; hidden ones are left out."""

    name = "folder"
    summary = "your own images, root/domain/class/*.jpg|png|webp (--data-root DIR)"
    licence = "your own"
    source = "--data-root DIR"
    layout = "DIR/<domain>/<class>/*.jpg|png|webp, two domains or more, the same classes in each"
    Options = FolderOptions
    small = True

    def __init__(self, options: FolderOptions, root: Path | None) -> None:
        super().__init__(options, root)
        if root is None:
            raise UserError(
                "data set 'folder' needs --data-root DIR with DIR/<domain>/<class>/*.jpg"
            )
        if not root.is_dir():
            raise UserError(f"--data-root {root}: no such folder")
        self.root: Path = root
        self._turned = options.exif
        self.domains = tuple(folders(root))
        if not self.domains:
            raise UserError(f"--data-root {root}: no domains; expected DIR/<domain>/<class>/*.jpg")
        inside = {domain: folders(root / domain) for domain in self.domains}
        _refuse_splits(root, inside)
        classes = sorted({name for names in inside.values() for name in names})
        if len(classes) < 2:
            raise UserError(
                f"--data-root {root}: {len(classes)} class folder(s) below its domains "
                f"({', '.join(self.domains)}); expected DIR/<domain>/<class>/*.jpg with two or more"
            )
        _refuse_clashes(root, "domains", self.domains, "a table would show them as one")
        _refuse_clashes(root, "classes", classes, "their prompts are equal")
        self.class_names = tuple(name.replace("_", " ") for name in classes)
        self._samples = {domain: self._list(domain, classes) for domain in self.domains}

    def _list(self, domain: str, classes: list[str]) -> tuple[Sample, ...]:
        found = domain_samples(self.root, domain, classes, ENDINGS)
        if len(found) < 5:  # 80/20 must leave both parts something
            raise UserError(
                f"--data-root {self.root}: domain '{domain}' has {len(found)} image(s), needs 5 "
                f"or more ({', '.join(sorted(ENDINGS))}); add images or remove the folder"
            )
        return found

    @classmethod
    def import_folder(cls, root: Path) -> Path | None:
        """Return the root itself."""
        return root

    def notes(self) -> list[str]:
        """Return the files left out and the classes that a domain has no image of."""
        return [*self._left_out(), *without_images(self)]

    def _left_out(self) -> Iterator[str]:
        found = endings(self.root)
        other = {ending: n for ending, n in sorted(found.items()) if ending not in ENDINGS}
        if other:
            counts = ", ".join(f"{n:,} {ending or 'without'}" for ending, n in other.items())
            yield (
                f"{self.root}: files left out by their ending: {counts}; read are "
                f"{' '.join(sorted(ENDINGS))}"
            )
        listed = sum(len(samples) for samples in self._samples.values())
        if stray := found.total() - sum(other.values()) - listed:
            yield f"{self.root}: {stray:,} image(s) in no class folder, left out"

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's images by class, then by file name."""
        return self._samples[domain]

    def read(self, sample: Sample) -> bytes:
        """Return the file's bytes; where it is to be turned, those of a PNG of the turned image."""
        data = (self.root / sample.key).read_bytes()
        return _turned(data) if self._turned else data

    def size(self, sample: Sample) -> int:
        """Return the file's size in bytes."""
        return file_size(self.root, sample.key)


def _turned(data: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
                return data
            out = io.BytesIO()
            ImageOps.exif_transpose(image).save(out, "PNG", compress_level=1)
            return out.getvalue()
    except Exception:  # decoding the bytes says what is wrong with them, and names the file
        return data


def _refuse_splits(root: Path, inside: dict[str, list[str]]) -> None:
    """Raise UserError where parts of a data set stand in the place of classes or domains."""
    if all(domain.lower() in SPLITS for domain in inside):
        raise UserError(
            f"--data-root {root}: {', '.join(inside)} are parts of one data set, not domains; "
            "expected DIR/<domain>/<class>/*.jpg"
        )
    for domain, names in inside.items():
        parts = [name for name in names if name.lower() in SPLITS]
        if parts and any(folders(root / domain / name) for name in parts):
            raise UserError(
                f"--data-root {root}: {', '.join(parts)} in domain '{domain}' hold class folders: "
                "they are parts, not classes; move the class folders up into the domain (the "
                "protocol splits by itself)"
            )


def _refuse_clashes(root: Path, what: str, names: Iterable[str], why: str) -> None:
    for one, other in clashes(names):
        raise UserError(
            f"--data-root {root}: {what} {one!a} and {other!a} differ in blanks, case or spelling "
            f"alone: {why}; merge or rename them"
        )
