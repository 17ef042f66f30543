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
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from pydantic import TypeAdapter

from harness.protocols import AnyProtocol
from harness.report.runs.index_file import Answers, Entry, IndexFile, State, opened, packed
from harness.report.runs.measures import (
    auroc,
    calibration_error,
    fpr95,
    macro_accuracy,
    negative_log_likelihood,
)
from harness.report.runs.rows import RunRow, asked, finished, renamed
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.files import write_atomically
from harness.store.integrity import examined
from harness.store.records import Predictions, RunRecord
from harness.store.store import Store
from harness.sweep.calls import one_line

FILE = "index.zip"
MANY = 200
"""Runs from which on the file is written; fewer are read as fast as it would be."""
SETTLED_NS = 2 * 10**9
"""Age of a file whose times tell it from what is written over it."""
_PARTS = ("spec", "metrics", "provenance")
"""What of a record is kept field by field."""
_SHARED: Mapping[str, TypeAdapter[Any]] = {
    "spec.model": TypeAdapter(ModelSpec),
    "spec.dataset": TypeAdapter(DatasetSpec),
    "spec.protocol": TypeAdapter(AnyProtocol),
}
"""Parts that are validated once for all the records that have them."""


class Index:
    """The finished runs of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._entries: dict[str, Entry] = {}
        self._file: IndexFile | None = None
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
            self._file = opened(self._store.root / FILE)
            self._entries |= self._file.entries
        found, new, runs = [], 0, f"{self._store.root}/runs"
        for run_id in _folders(self._store.root / "runs"):
            state = _state(f"{runs}/{run_id}")
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

    def separation(self, run_id: str) -> tuple[float, ...]:
        """Return AUROC and FPR95 of telling known classes from others; nothing if not tested."""
        entry = self._known(run_id)
        return entry.separation if entry else ()

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
            write_atomically(self._store.root / FILE, packed(settled, flat))


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


def _state(folder: Path | str) -> State:
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
    separation: tuple[float, ...] = ()
    if predictions is not None and not problems:
        tests = list(record.metrics.tests)
        for test in {row.test_set for row in rows if row.measure != "H"}:
            own = predictions.of(predictions.test == tests.index(test)) if test else predictions
            answers[test] = _answers(own)
        unknown = record.spec.protocol.unknown_set()
        if unknown in tests and "base" in tests:
            known, other = (
                predictions.score[predictions.test == tests.index(name)]
                for name in ("base", unknown)
            )
            separation = (auroc(known, other), fpr95(known, other))
    flat = record.model_dump(mode="json")
    for part in _PARTS:
        flat |= {f"{part}.{field}": value for field, value in flat.pop(part).items()}
    return Entry(state, rows, "; ".join(problems), answers, separation, flat)


def _answers(own: Predictions) -> Answers:
    label, top, sure = own.label, own.top, own.log_probability
    right = label == own.prediction
    return Answers(
        images=hashlib.sha256(label.tobytes()).hexdigest()[:32],
        n=len(label),
        packed=np.packbits(right).tobytes(),
        macro=macro_accuracy(label, own.prediction),
        calibration=calibration_error(own.confidence, right),
        top5=None if top is None else float((top == label[:, None]).any(axis=1).mean()),
        nll=None if sure is None else negative_log_likelihood(sure),
    )
