"""Data sets whose files list every image with its split, label and class name (CoOp's layouts)."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from harness.data.listing import file_size
from harness.data.listing import images as list_images
from harness.dataset import Dataset, DatasetOptions, Sample
from harness.errors import UserError

SPLITS = ("train", "val", "test")
SPOT_CHECKS = 48

SplitRow = tuple[str, int, str]
"""Path below the image folder with ``/``, label, class name."""
SplitRows = Mapping[str, list[SplitRow]]
"""By split."""


class SplitFileDataset(Dataset):
    """Base of the plugins: one domain, called as the data set; samples in the files' order.

    Opening reads the split file and looks for a few images that it lists, spread over all splits;
    `problems` looks for every one.
    """

    folder: ClassVar[str]
    """Below the data root."""
    images: ClassVar[str]
    """Image folder below `folder`; empty if the images lie in `folder` itself."""
    split_file: ClassVar[str]
    """Below `folder`."""
    split_source: ClassVar[str]
    """Where the split file can be had."""
    split_sha256: ClassVar[str] = ""
    """First 16 hex digits for the published split file; empty where unknown."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Class names of the folders that the published split file words differently."""

    root: Path

    def __init__(
        self, options: DatasetOptions, root: Path | None, incomplete: bool = False
    ) -> None:
        if root is None:
            raise UserError(f"data set '{self.name}' needs --data-root DIR; {self.layout}")
        super().__init__(options, self._base(root))
        if not self.root.is_dir():
            raise UserError(f"data set '{self.name}': {self._no_folder(root)}")
        rows = self.read_rows(self.root)
        self.domains = (self.name,)
        self.class_names = class_names(rows, self.renamed, self.root / self.split_file)
        present = self._present(self.root) if incomplete else None
        prefix = f"{self.images}/" if self.images else ""
        self._samples = tuple(
            Sample(prefix + path, label, self.name, split=split)
            for split in SPLITS
            for path, label, _ in rows[split]
            if present is None or path in present
        )
        for sample in self._samples[:: len(self._samples) // SPOT_CHECKS + 1]:
            if not (self.root / sample.key).is_file():
                raise UserError(
                    f"{self.root / sample.key} is listed in {self.split_file} but missing; "
                    f"restore it; all that is missing: data verify {self.name} --data-root {root}"
                )

    @classmethod
    def as_found(cls, root: Path | None) -> SplitFileDataset:
        """Open with those of the listed images that are there."""
        return cls(cls.Options(), root, incomplete=True)

    @classmethod
    def _base(cls, root: Path) -> Path:
        # The data set's own folder is accepted where the one that holds it is meant.
        own = not (root / cls.folder).is_dir() and (root / cls.split_file).is_file()
        return root if own else root / cls.folder

    @classmethod
    def _no_folder(cls, root: Path) -> str:
        return f"missing: folder {root / cls.folder}; get it: {cls.source}"

    @classmethod
    def read_rows(cls, folder: Path) -> SplitRows:
        """Return the rows of every split.

        Raises:
            UserError: If a file is missing or malformed; names it and where to get it.
        """
        return read_json(folder / cls.split_file, cls.missing(folder / cls.split_file))

    @classmethod
    def missing(cls, path: Path) -> str:
        """Word the error for a split file that is not there."""
        return f"missing: file {path}; get it: {cls.split_source}; expected {cls.layout}"

    @classmethod
    def problems(cls, root: Path) -> list[str]:
        """Check the split file against the published one, and every image that it lists."""
        folder = cls._base(root)
        if not folder.is_dir():
            return [cls._no_folder(root)]
        try:
            rows = cls.read_rows(folder)
            class_names(rows, cls.renamed, folder / cls.split_file)
        except UserError as error:
            return [str(error)]
        return [*cls._of_the_file(folder / cls.split_file, rows), *cls._of_images(folder, rows)]

    @classmethod
    def _of_the_file(cls, path: Path, rows: SplitRows) -> Iterator[str]:
        if cls.split_sha256:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if not digest.startswith(cls.split_sha256):
                yield (
                    f"wrong: {path} is not the published file (sha256 {digest[:16]}, expected "
                    f"{cls.split_sha256}): results will not be comparable; get it from "
                    f"{cls.split_source}"
                )
        times = Counter(path for split in SPLITS for path, _, _ in rows[split])
        twice = [path for path, count in times.items() if count > 1]
        if twice:
            yield (
                f"wrong: {path} lists {len(twice)} image(s) more than once, first {twice[0]}; "
                f"get it: {cls.split_source}"
            )

    @classmethod
    def _present(cls, folder: Path) -> frozenset[str]:
        # Directories are read, not files: 100,000 images take seconds over a network, not minutes.
        return frozenset(list_images(folder / cls.images))

    @classmethod
    def _of_images(cls, folder: Path, rows: SplitRows) -> Iterator[str]:
        base = folder / cls.images
        present = cls._present(folder)
        listed = [path for split in SPLITS for path, _, _ in rows[split]]
        absent = [path for path in listed if path not in present]
        if not absent:
            return
        alike = {_fold(path): path for path in present}.get(_fold(absent[0]))
        hint = f"{alike} differs only in case or accents: rename" if alike else "extract them again"
        yield (
            f"missing: {len(absent):,} of {len(listed):,} images below {base}, "
            f"first {absent[0]}; {hint}; expected {cls.layout}"
        )

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return train, val and test images, each in the split file's order."""
        return {self.name: self._samples}[domain]

    def read(self, sample: Sample) -> bytes:
        """Return the file's bytes."""
        return (self.root / sample.key).read_bytes()

    def size(self, sample: Sample) -> int:
        """Return the file's size in bytes."""
        return file_size(self.root, sample.key)


def read_json(path: Path, missing: str) -> SplitRows:
    """Read CoOp's ``{"train": [[path, label, class name], ...], "val": ..., "test": ...}``.

    Raises:
        UserError: With the message `missing` if there is no such file; if it is not such JSON.
    """
    if not path.is_file():
        raise UserError(missing)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of JSON or of UTF-8
        raise UserError(f"{path}: not JSON ({error}); download it again") from None
    if not isinstance(content, dict) or not all(isinstance(content.get(s), list) for s in SPLITS):
        raise UserError(f"{path}: needs the lists {', '.join(SPLITS)}; download it again")
    return {split: [_row(row, split, path) for row in content[split]] for split in SPLITS}


def _row(row: object, split: str, path: Path) -> SplitRow:
    match row:
        case [str(image), int(label), str(name)] if label >= 0:
            if not image.startswith("/") and ".." not in image.split("/"):
                return image, label, name
    raise UserError(
        f"{path}: {row!r} in '{split}' is not [path below the image folder, label, class name]"
    )


def class_names(rows: SplitRows, renamed: Mapping[str, str], path: Path) -> tuple[str, ...]:
    """Return the class names by label, ``_`` read as a space.

    Raises:
        UserError: If a label has two names, or the labels are not 0, 1, 2 ...
    """
    names: dict[int, str] = {}
    for split in SPLITS:
        for _, label, name in rows[split]:
            if names.setdefault(label, name) != name:
                raise UserError(
                    f"{path}: label {label} is both '{names[label]}' and '{name}'; "
                    "download the file again"
                )
    gaps = sorted(set(range(max(names, default=0) + 1)) - set(names))
    if gaps:
        raise UserError(f"{path}: no image has label {gaps[0]}; download the file again")
    return tuple(renamed.get(names[i], names[i]).replace("_", " ") for i in range(len(names)))


def _fold(path: str) -> str:
    return unicodedata.normalize("NFKD", path).casefold()
