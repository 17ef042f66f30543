"""What reports need of finished runs, in one file that is read instead of two of every run.

``<store>/index.zip`` holds, for each run, the rows of its record, the record itself with equal
parts kept once, and how each image was answered. It is rebuilt from the records, is never the only
copy, and may be deleted at any time; a store that cannot be written to is read without it.

The promise that every record reported agrees with its predictions stays. Of each run both files are
looked at every time: size, inode, times of the last write and of the last change. As long as these
are what they were, what was found then still holds: that the record is valid, is of its folder's
run, and that its scores are those of its predictions, counted. A file that differs in any of them
is read and checked again, as is one that had been written less than two seconds before. An index
that cannot be read, or is of another version, is passed over.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import re
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from harness.protocols import AnyProtocol
from harness.report.runs.measures import auroc, calibration_error, macro_accuracy
from harness.report.runs.rows import RunRow, asked, finished, renamed
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.files import write_atomically
from harness.store.integrity import examined
from harness.store.records import RunRecord
from harness.store.store import Store
from harness.sweep.calls import one_line
from harness.version import __version__

FILE = "index.zip"
MANY = 200
"""Runs from which on the file is written; fewer are read as fast as it would be."""
SETTLED_NS = 2 * 10**9
"""Age of a file whose times tell it from what is written over it."""
_FORMAT = f"{__version__} 2"
_COLUMNS = tuple(field.name for field in fields(RunRow))
_PARTS = ("spec", "metrics", "provenance")
"""What of a record is kept field by field."""
_SHARED: Mapping[str, TypeAdapter[Any]] = {
    "spec.model": TypeAdapter(ModelSpec),
    "spec.dataset": TypeAdapter(DatasetSpec),
    "spec.protocol": TypeAdapter(AnyProtocol),
}
"""Parts that are validated once for all the records that have them."""

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
    auroc: float | None
    """How well scores tell known classes' images from unknown ones', where there are any."""
    flat: dict[str, Any] | None
    """The record as JSON, a part's fields as ``part.field``; None where the file has it."""


class Index:
    """The finished runs of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._entries: dict[str, Entry] = {}
        self._file: _File | None = None
        self._shared: dict[tuple[str, str], Any] = {}
        self._lists: dict[tuple[Any, ...], Any] = {}
        self.contradictory: dict[str, str] = {}
        """What is contradictory in runs whose rows were asked for, by run."""

    def rows(self, run_id: str) -> tuple[RunRow, ...]:
        """Return a finished run's rows; its files are looked at now.

        Raises:
            UserError: If its record cannot be read.
        """
        self._look(run_id, _state(self._store.run_dir(run_id)))
        return self.known_rows(run_id)

    def known_rows(self, run_id: str) -> tuple[RunRow, ...]:
        """Return the rows of one of `run_ids`."""
        entry = self._entries[run_id]
        if entry.contradiction:
            self.contradictory[run_id] = entry.contradiction
        return entry.rows

    def run_ids(self) -> list[str]:
        """Return all finished runs, sorted, after a look at the files of each.

        What is new is read; if that is much, the index is written.

        Raises:
            UserError: If a record cannot be read.
        """
        if self._file is None:
            self._file = _opened(self._store.root / FILE)
            self._entries |= self._file.entries
        found, new = [], 0
        for run_id in _folders(self._store.root / "runs"):
            state = _state(self._store.run_dir(run_id))
            if state:
                found.append(run_id)
                new += self._look(run_id, state)
        gone = self._entries.keys() - set(found)
        for run_id in gone:
            del self._entries[run_id]
        if len(found) >= MANY and new + len(gone) > len(found) // 50:
            self._write()
        return found

    def answers(self, run_id: str, test: str) -> Answers | None:
        """Return how a run answered a test set; None if that is not known."""
        entry = self._known(run_id)
        return entry.answers.get(test) if entry else None

    def auroc(self, run_id: str) -> float | None:
        """Return how well scores tell images of known classes from others, if that is known."""
        entry = self._known(run_id)
        return entry.auroc if entry else None

    def _known(self, run_id: str) -> Entry | None:
        """Return a run's entry; one that was looked at before is not looked at again."""
        if run_id not in self._entries and (state := _state(self._store.run_dir(run_id))):
            self._look(run_id, state)
        return self._entries.get(run_id)

    def record(self, run_id: str) -> RunRecord:
        """Return the record of one of `run_ids`; equal parts are one object."""
        nested: dict[str, Any] = {part: {} for part in _PARTS}
        for path, value in self._flat(run_id).items():
            part, _, field = path.rpartition(".")
            (nested[part] if part else nested)[field] = self._part(path, value)
        return RunRecord.model_validate(nested)

    def _flat(self, run_id: str) -> dict[str, Any]:
        entry = self._entries[run_id]
        if entry.flat is not None or self._file is None:
            return entry.flat or {}
        return self._file.flat(run_id)

    def _part(self, path: str, value: Any) -> Any:
        if path not in _SHARED:
            return value
        key = path, json.dumps(value)
        if key not in self._shared:
            self._shared[key] = _SHARED[path].validate_python(value)
        return self._shared[key]

    def _look(self, run_id: str, state: State) -> bool:
        """See to a run's entry; return whether its files had to be read."""
        known = self._entries.get(run_id)
        if known is not None and known.state == state:
            return False
        entry = self._entries[run_id] = _read(self._store, run_id, state)
        flat = entry.flat or {}
        for path in ("class_names", "trained_classes"):  # long, and the same in most records
            values = flat[path]
            flat[path] = self._lists.setdefault(tuple(values), values)
        return True

    def _write(self) -> None:
        before = time.time_ns() - SETTLED_NS
        settled = {
            run_id: entry
            for run_id, entry in sorted(self._entries.items())
            if max(entry.state[2::4]) < before
        }
        flat = {run_id: self._flat(run_id) for run_id in settled}
        with contextlib.suppress(OSError):  # a store that may only be read
            write_atomically(self._store.root / FILE, _packed(settled, flat))


_INDEXES: WeakKeyDictionary[Store, Index] = WeakKeyDictionary()


def index_of(store: Store) -> Index:
    """Return the index of a store, one as long as the object lives."""
    return _INDEXES.setdefault(store, Index(store))


def rows_of(store: Store, spec: RunSpec) -> Sequence[RunRow]:
    """Return the rows of a run under the names of `spec`, whatever became of it.

    Raises:
        UserError: If its record cannot be read.
    """
    failure = store.failure(spec.id)
    if store.has(spec.id):
        return [renamed(row, spec) for row in index_of(store).rows(spec.id)]
    if failure is not None:
        return asked(spec.id, spec, "failed", one_line(failure.error))
    return asked(spec.id, spec, "missing")


def _folders(root: Path) -> list[str]:
    try:
        with os.scandir(root) as found:
            return sorted(entry.name for entry in found if re.match("[0-9a-f]", entry.name))
    except OSError:
        return []


def _state(folder: Path) -> State:
    """Return size, inode and times of a run's files: nothing without a record."""
    try:
        found = [os.stat(f"{folder}/record.json")]
    except OSError:
        return ()
    with contextlib.suppress(OSError):
        found.append(os.stat(f"{folder}/predictions.npz"))
    return tuple(n for f in found for n in (f.st_size, f.st_ino, f.st_mtime_ns, f.st_ctime_ns))


def _read(store: Store, run_id: str, state: State) -> Entry:
    record = store.read(run_id)
    problems, predictions = examined(record, store.run_dir(run_id) / "predictions.npz")
    rows = tuple(finished(record, "; ".join(problems)))
    answers: dict[str, Answers] = {}
    separation = None
    if predictions is not None and not problems:
        tests = list(record.metrics.tests)
        for test in {row.test_set for row in rows if row.measure != "H"}:
            own = predictions.test == tests.index(test) if test else slice(None)
            answers[test] = _answers(
                predictions.label[own],
                predictions.prediction[own],
                predictions.confidence[own],
                None if predictions.top is None else predictions.top[own],
            )
        unknown = record.spec.protocol.unknown_set()
        if unknown in tests and "base" in tests:
            known, other = (
                predictions.score[predictions.test == tests.index(name)]
                for name in ("base", unknown)
            )
            separation = auroc(known, other)
    flat = record.model_dump(mode="json")
    for part in _PARTS:
        flat |= {f"{part}.{field}": value for field, value in flat.pop(part).items()}
    return Entry(state, rows, "; ".join(problems), answers, separation, flat)


def _answers(label: Any, prediction: Any, confidence: Any, top: Any) -> Answers:
    right = label == prediction
    return Answers(
        images=hashlib.sha256(label.tobytes()).hexdigest()[:32],
        n=len(label),
        packed=np.packbits(right).tobytes(),
        macro=macro_accuracy(label, prediction),
        calibration=calibration_error(confidence, right),
        top5=None if top is None else float((top == label[:, None]).any(axis=1).mean()),
    )


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


def _packed(entries: Mapping[str, Entry], flat: Mapping[str, dict[str, Any]]) -> bytes:
    """Return the file: two JSON texts, of what every report needs and of the rest, and the bits."""
    rows = {
        "format": _FORMAT,
        "rows": _columns(vars(row) for entry in entries.values() for row in entry.rows),
        "runs": [
            {
                "id": run_id,
                "state": entry.state,
                "rows": len(entry.rows),
                "contradiction": entry.contradiction,
                "auroc": entry.auroc,
                "answers": [
                    [test, a.images, a.n, a.macro, a.calibration, a.top5]
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


class _File:
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


def _opened(path: Path) -> _File:
    if not path.is_file():
        return _File({})
    try:
        with zipfile.ZipFile(path) as file:
            texts = {name: file.read(name) for name in ("rows", "records", "bits")}
        found = json.loads(texts["rows"])
        if found["format"] != _FORMAT:
            return _File({})
        return _File(dict(_entries(found, texts["bits"])), texts["records"])
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile):
        return _File({})


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
        state = tuple(run["state"])
        yield run["id"], Entry(state, own, run["contradiction"], answers, run["auroc"], None)
