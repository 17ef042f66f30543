"""Imports Hugging Face parquet files into a folder <domain>/<class>/<file>."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from harness.console.items import track
from harness.data.listing import SUFFIXES
from harness.dataset import Dataset
from harness.errors import UserError
from harness.store.files import write_atomically

ENDINGS = {
    "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif",
    "PPM": ".ppm",
}  # fmt: skip
BATCH = 64


@dataclass(frozen=True)
class Columns:
    """What the columns are called."""

    image: str = "image"
    label: str = "label"
    domain: str = "domain"


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    folder: Path
    written: int
    present: int
    """Files that were there before, from an import that was stopped."""
    renamed: int
    """Images whose file name the parquet does not give: numbered instead."""


def import_parquet(
    cls: type[Dataset],
    files: Sequence[Path],
    root: Path,
    columns: Columns = Columns(),
    classes: Sequence[str] = (),
    domain: str = "",
) -> Imported:
    """Write the images in `files` to the data set's layout; call it again to go on.

    Args:
        cls: The data set.
        files: Parquet files, with an image column of bytes or {bytes, path}, and a label column
            of names, or of numbers with names in Hugging Face's schema or in `classes`.
        root: ``--data-root``.
        columns: Their names.
        classes: Names of the labels 0, 1, ...; by default those of the schema.
        domain: The domain of all rows, where there is no column for it.

    Raises:
        UserError: For a file, column, label or image that does not fit, or another file in the way.
    """
    folder = cls.import_folder(root)
    if folder is None:
        raise UserError(
            f"data import: '{cls.name}' has another layout than <domain>/<class>/<file>; "
            f"get its own files: {cls.source}"
        )
    tables = [_open(file) for file in files]
    stems = [file.stem for file in files]
    if len(set(stems)) < len(stems):
        raise UserError("--parquet: two files have the same name; rename one, images are named so")
    total = sum(table.metadata.num_rows for table in tables)
    written = present = renamed = 0
    used: set[str] = set()
    rows = (
        row
        for file, table in zip(files, tables, strict=True)
        for row in _rows(cls, file, table, columns, classes, domain)
    )
    for place, name, number, data in track(rows, total, "importing"):
        key = f"{place}/{name}"
        if not name or key.lower() in used:
            key = f"{place}/{number}{_ending(data, number)}"
            renamed += 1
        used.add(key.lower())
        path = folder / key
        if not path.exists():
            write_atomically(path, data, durable=False)
            written += 1
        elif path.stat().st_size == len(data):
            present += 1
        else:
            raise UserError(f"{path}: another file is in the way; import into an empty folder")
    return Imported(folder, written, present, renamed)


def _open(file: Path) -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise UserError(
            'data import needs pyarrow; install it: pip install "pyarrow>=14"'
        ) from None
    try:
        return parquet.ParquetFile(file)
    except (OSError, ValueError) as error:  # pyarrow's own errors are kinds of these
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"--parquet {file}: {reason}; give a complete parquet file") from None


def _rows(
    cls: type[Dataset],
    file: Path,
    table: Any,
    columns: Columns,
    classes: Sequence[str],
    domain: str,
) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield (<domain>/<class>, file name or "", number, data) of each row."""
    schema = table.schema_arrow
    wanted = [columns.image, columns.label, *([] if domain else [columns.domain])]
    for name in wanted:
        if name not in schema.names:
            option = next(k for k, v in vars(columns).items() if v == name)
            other = " or --domain NAME" if option == "domain" else ""
            raise UserError(
                f"{file}: no column '{name}'; it has {', '.join(schema.names)}: "
                f"give --{option}-column{other}"
            )
    names = {
        columns.label: list(classes) or _class_label(schema, columns.label),
        columns.domain: _class_label(schema, columns.domain),
    }
    number = 0
    for batch in table.iter_batches(batch_size=BATCH, columns=wanted):
        for row in batch.to_pylist():
            where = f"{file}, row {number}"
            label = _text(row[columns.label], names[columns.label], where, columns.label)
            place = domain or _text(
                row[columns.domain], names[columns.domain], where, columns.domain
            )
            data, name = _image(row[columns.image], where)
            folder = label.replace(" ", "_")
            yield f"{_domain(cls, place, where)}/{folder}", name, f"{file.stem}-{number:07d}", data
            number += 1


def _class_label(schema: Any, column: str) -> list[str]:
    """Return the names that Hugging Face's schema gives a column's numbers."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return [str(name) for name in features[column]["names"]]
    except (KeyError, TypeError, ValueError):
        return []


def _text(value: Any, names: list[str], where: str, column: str) -> str:
    if isinstance(value, int):
        if not 0 <= value < len(names):
            fix = f"give --classes FILE with a name for each {column}, a line each"
            raise UserError(f"{where}: {column} {value} has no name ({len(names)} known); {fix}")
        value = names[value]
    if not isinstance(value, str) or not value or value[0] in "._" or set(value) & set('/\\:*"\0'):
        raise UserError(f"{where}: {column} {value!r} cannot be a folder's name; check the column")
    return value


def _domain(cls: type[Dataset], name: str, where: str) -> str:
    def plain(text: str) -> str:
        return "".join(c for c in text.lower() if c.isalnum())

    if not cls.expected:
        return name
    for known in cls.expected:
        if plain(known) == plain(name):
            return known
    raise UserError(
        f"{where}: '{name}' is no domain of {cls.name}: {', '.join(sorted(cls.expected))}"
    )


def _image(value: Any, where: str) -> tuple[bytes, str]:
    """Return the encoded image and its file name, empty where the parquet gives none."""
    data, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, "")
    if not isinstance(data, bytes) or not data:
        raise UserError(f"{where}: no image bytes; the parquet file must hold the images")
    name = PurePosixPath((path or "").replace("\\", "/")).name
    fits = name.lower().endswith(SUFFIXES) and name[0] != "." and ":" not in name
    return data, name if fits else ""


def _ending(data: bytes, where: str) -> str:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return ENDINGS[str(image.format)]
    except KeyError:
        raise UserError(f"{where}: {image.format} images are not listed; convert them") from None
    except Exception:  # Pillow raises many kinds
        raise UserError(f"{where}: not a readable image; leave the row out") from None
