"""The file of an index: columns of numbers in a pool of values, and a bit for each image."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.runs.rows import RunRow
from harness.source import room_hash
from harness.version import __version__

_ROOMS = ("report/runs", "protocols", "store")
"""Whose code an index is the work of: another's may count otherwise."""
_COLUMNS = tuple(field.name for field in fields(RunRow))

State = tuple[int, ...]
"""Size, inode and times of a record and of its predictions, if there are any."""


@dataclass(frozen=True)
class Answers:
    """How a run answered the images that one of its measures is over."""

    images: str
    """Hash of their labels, in order."""
    n: int
    packed: bytes
    """A bit for each image: right or not."""
    macro: float
    """Mean of the accuracies of the classes."""
    calibration: float
    """Expected calibration error."""
    top5: float | None
    """Share of images with the label among the five best classes; None where not recorded."""
    nll: float | None
    """Negative log-likelihood of the labels; None where not recorded."""

    @property
    def right(self) -> NDArray[np.bool_]:
        """Return [n]: right or not."""
        return np.unpackbits(np.frombuffer(self.packed, np.uint8), count=self.n).view(np.bool_)


@dataclass
class Entry:
    """A finished run."""

    state: State
    rows: tuple[RunRow, ...]
    contradiction: str
    """Between record and predictions; empty if there is none."""
    answers: Mapping[str, Answers]
    """By test set; under an empty name those of all of them."""
    separation: tuple[float, ...]
    """How well scores tell known classes' images from unknown ones', where there are any: AUROC and
    the false positives at 95 % true ones."""
    flat: dict[str, Any] | None
    """The record as JSON, a part's fields as ``part.field``; None where the file has it."""


class _Pool:
    """Values, each kept once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._at: dict[Any, int] = {}

    def add(self, value: Any) -> int:
        """Return the value's number."""
        # 1, 1.0 and True are equal, and so is no NaN
        plain = isinstance(value, str | int | None)
        key = (type(value), value) if plain else json.dumps(value)
        number = self._at.setdefault(key, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


def _columns(lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return lines of the same keys as columns of numbers in a pool."""
    pool = _Pool()
    columns: dict[str, list[int]] = {}
    for line in lines:
        for name, value in line.items():
            columns.setdefault(name, []).append(pool.add(value))
    return {"pool": pool.values, "columns": columns}


def packed(entries: Mapping[str, Entry], flat: Mapping[str, dict[str, Any]]) -> bytes:
    """Return the file: two JSON texts, of what every report needs and of the rest, and the bits."""
    rows = {
        "format": _format(),
        "rows": _columns(vars(row) for entry in entries.values() for row in entry.rows),
        "runs": [
            {
                "id": run_id,
                "state": entry.state,
                "rows": len(entry.rows),
                "contradiction": entry.contradiction,
                "separation": entry.separation,
                "answers": [
                    [test, a.images, a.n, a.macro, a.calibration, a.top5, a.nll]
                    for test, a in entry.answers.items()
                ],
            }
            for run_id, entry in entries.items()
        ],
    }
    bits = b"".join(a.packed for entry in entries.values() for a in entry.answers.values())
    texts = {"rows": rows, "records": {"ids": list(flat), **_columns(flat.values())}}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, value in texts.items():
            file.writestr(name, json.dumps(value))
        file.writestr("bits", bits)
    return buffer.getvalue()


class IndexFile:
    """What a written index holds; nothing if there is none."""

    def __init__(self, entries: dict[str, Entry], records: bytes = b"") -> None:
        self.entries = entries
        self._text = records

    def flat(self, run_id: str) -> dict[str, Any]:
        """Return the record of one of its runs."""
        places, pool, columns = self._records
        at = places[run_id]
        return {path: pool[numbers[at]] for path, numbers in columns.items()}

    @cached_property
    def _records(self) -> tuple[dict[str, int], list[Any], dict[str, list[int]]]:
        found = json.loads(self._text)
        return {id_: i for i, id_ in enumerate(found["ids"])}, found["pool"], found["columns"]


def _format() -> list[str]:
    return [__version__, *map(room_hash, _ROOMS)]


def opened(path: Path) -> IndexFile:
    """Return what the file holds; nothing if it is not there, is broken, or of other code."""
    if not path.is_file():
        return IndexFile({})
    try:
        with zipfile.ZipFile(path) as file:
            texts = {name: file.read(name) for name in ("rows", "records", "bits")}
        found = json.loads(texts["rows"])
        if found["format"] != _format():
            return IndexFile({})
        return IndexFile(dict(_entries(found, texts["bits"])), texts["records"])
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile):
        return IndexFile({})


def _entries(found: Mapping[str, Any], bits: bytes) -> Iterator[tuple[str, Entry]]:
    pool, columns = found["rows"]["pool"], found["rows"]["columns"]
    values = [[pool[number] for number in columns[name]] for name in _COLUMNS]
    rows = map(RunRow, *values)
    at = 0
    for run in found["runs"]:
        answers = {}
        for test, images, n, *measures in run["answers"]:
            end = at + (n + 7) // 8
            answers[test] = Answers(images, n, bits[at:end], *measures)
            at = end
        own = tuple(itertools.islice(rows, run["rows"]))
        state, separation = tuple(run["state"]), tuple(run["separation"])
        yield run["id"], Entry(state, own, run["contradiction"], answers, separation, None)
