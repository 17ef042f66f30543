"""A data set as a list in a file: images, what they show, where they come from, how they split."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from harness.data.listing import without_images
from harness.data.names import clashes
from harness.dataset import Dataset, DatasetOptions, Sample, fingerprint
from harness.errors import UserError

NEEDED = ("image", "class", "domain")
COLUMNS = (*NEEDED, "split", "group")
SPLITS = ("train", "val", "test")


class ManifestOptions(DatasetOptions):
    """Options of `manifest`."""

    file: str = "manifest.csv"
    """The list, below ``--data-root``: .csv, .json or .jsonl."""


class Manifest(Dataset):
    """Classes and domains are sorted by name, the images of a domain in the file's order."""

    name = "manifest"
    summary = "your own images, listed in a CSV or JSON file (--data-root DIR)"
    licence = "your own"
    source = "--data-root DIR --option file=manifest.csv"
    layout = (
        "DIR/manifest.csv (or .json, .jsonl) with the columns image, class, domain and, if there "
        "are any, split (train, val, test) and group; images lie beside the file or below DIR"
    )
    Options = ManifestOptions
    small = True

    def __init__(self, options: ManifestOptions, root: Path | None) -> None:
        if root is None:
            raise UserError(f"data set 'manifest' needs --data-root DIR; {self.layout}")
        super().__init__(options, root)
        if Path(options.file).is_absolute():  # a run is known by it, on other machines, too
            raise UserError(
                f"data set 'manifest': option file is '{options.file}'; give it below --data-root, "
                "as file=manifest.csv"
            )
        self._file = root / options.file
        try:
            content = self._file.read_bytes()
            rows = list(_rows(self._file, content.decode("utf-8-sig")))
        except (OSError, ValueError) as error:  # of UTF-8, CSV or JSON
            why = error.strerror if isinstance(error, OSError) else error
            raise UserError(f"{self._file}: cannot be read ({why}); {self.layout}") from None
        self._digest = hashlib.sha256(content).hexdigest()
        self._unknown = sorted({str(key) for _, row in rows for key in row} - set(COLUMNS))
        self._files: dict[str, Path] = {}
        self._sizes: dict[str, int] = {}
        checked = [(where, self._checked(row, where)) for where, row in rows]
        self.domains = tuple(sorted({row["domain"] for _, row in checked}))
        names = sorted({row["class"] for _, row in checked})
        if len(names) < 2:
            raise UserError(f"{self._file}: {len(names)} class(es); list images of two or more")
        for what, why in (
            ("class", "their prompts are equal"),
            ("domain", "a table would show them as one"),
        ):
            for one, other in clashes(sorted({row[what] for _, row in checked})):
                where = next(where for where, row in checked if row[what] == other)
                raise UserError(
                    f"{where}: {what} {other!a} and {one!a} differ in blanks, case or spelling "
                    f"alone: {why}; use one name"
                )
        self.class_names = tuple(name.replace("_", " ") for name in names)
        self._samples: dict[str, tuple[Sample, ...]] = {}
        for domain in self.domains:
            own = [(where, row) for where, row in checked if row["domain"] == domain]
            _check_split(own)
            self._samples[domain] = tuple(
                Sample(row["image"], names.index(row["class"]), domain, row["group"], row["split"])
                for _, row in own
            )

    def _checked(self, row: dict[str, Any], where: str) -> dict[str, str]:
        """Return a row's texts; its image exists, and no other row has it."""
        for key in COLUMNS:
            if not isinstance(row.get(key) or "", str):
                raise UserError(f"{where}: '{key}' is {row[key]!r}; write a text")
        texts = {key: (row.get(key) or "").strip() for key in COLUMNS}
        for key in NEEDED:
            if not texts[key]:
                raise UserError(f"{where}: '{key}' is missing; every image needs one")
        if texts["split"] not in ("", *SPLITS):
            raise UserError(f"{where}: split '{texts['split']}'; use {', '.join(SPLITS)} or none")
        path = PurePosixPath(texts["image"])
        image = texts["image"] = str(path)  # ./a.png and a.png are one
        if path.is_absolute() or ".." in path.parts:
            raise UserError(
                f"{where}: image '{image}' must lie below the file's folder or {self.root}: "
                "write its path from there"
            )
        if image in self._files:
            raise UserError(f"{where}: image '{image}' is listed before; list it once")
        for folder in (self._file.parent, self.root):
            if folder and (folder / image).is_file():
                self._files[image] = folder / image
                self._sizes[image] = (folder / image).stat().st_size
                return texts
        raise UserError(f"{where}: image '{image}' is neither beside the file nor in {self.root}")

    def notes(self) -> list[str]:
        """Return which columns say nothing here, and which classes a domain has no image of."""
        ignored = ", ".join(self._unknown)
        left_out = [f"{self._file}: columns left out: {ignored}"] if ignored else []
        return [*left_out, *without_images(self)]

    def samples(self, domain: str) -> tuple[Sample, ...]:
        """Return the domain's images in the file's order."""
        return self._samples[domain]

    def read(self, sample: Sample) -> bytes:
        """Return the file's bytes."""
        return self._files[sample.key].read_bytes()

    def size(self, sample: Sample) -> int:
        """Return the size that the file had when the list was read."""
        return self._sizes[sample.key]

    def where(self, sample: Sample) -> str:
        """Return the file's path."""
        return str(self._files[sample.key])

    def fingerprint(self) -> str:
        """Hash the list's content and the images' sizes."""
        return fingerprint([(self._digest, 0), *self._sizes.items()])


def _rows(file: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each image's columns, after the place in the file that an error names."""
    if not text.strip():
        raise ValueError("it is empty")
    if file.suffix == ".json":
        found = json.loads(text)
        if not isinstance(found, list):
            raise ValueError("not a list of objects")
        places = ((f"entry {i}", row) for i, row in enumerate(found, 1))
    elif file.suffix == ".jsonl":
        lines = enumerate(text.splitlines(), 1)
        places = ((f"line {i}", _json_line(line, i)) for i, line in lines if line.strip())
    else:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        lacking = [key for key in NEEDED if key not in (reader.fieldnames or ())]
        if lacking:
            raise ValueError(f"line 1 names no column {', '.join(lacking)}")
        twice = [key for key, n in Counter(reader.fieldnames or ()).items() if n > 1]
        if twice:
            raise ValueError(f"line 1 names column {twice[0]} twice")
        places = ((f"line {reader.line_num}", row) for row in _csv_rows(reader))
    for place, row in places:
        if not isinstance(row, dict) or None in row:
            raise UserError(f"{file}, {place}: not an image with the columns {', '.join(COLUMNS)}")
        yield f"{file}, {place}", row


def _json_line(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def _csv_rows(reader: csv.DictReader[str]) -> Iterator[dict[str, Any]]:
    try:
        yield from reader
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None


def _check_split(rows: list[tuple[str, dict[str, str]]]) -> None:
    """Refuse a domain that says of some images alone which part they are of."""
    first = bool(rows[0][1]["split"])
    for where, row in rows:
        if bool(row["split"]) != first:
            raise UserError(
                f"{where}: split '{row['split']}', unlike the images of domain '{row['domain']}' "
                "before it: give all of a domain a split, or none"
            )
