"""A store of runs: one immutable record per run, written once, atomically.

Layout of a store directory::

    runs/<id>/record.json        the record (RunRecord); the directory appears whole or not at all
    runs/<id>/predictions.npz    per test image: test set, label, prediction, confidence, score
    runs/<id>/weights.safetensors  if asked for: what was trained, as it was tested, float32
    failures/<id>.json           the last failure of a run that has no record, with its traceback
    sweeps/<name>.json           what was planned: the sweep as given and its run ids, in order
    work/<id>/                   checkpoint and log of a run in progress
    replaced/<id>.<x>/           records that were run again; never read
    index.zip                    what reports noted of many runs; may be deleted at any time

Reading needs neither torch nor the plugins.
"""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from harness.errors import UserError
from harness.specs import RunSpec
from harness.store import formats
from harness.store.files import write_atomically
from harness.store.records import Failure, Predictions, RunRecord, SweepPlan
from harness.store.secrets import redacted
from harness.validation import validated
from harness.version import __version__


class Store:
    """A directory of runs; it need not exist yet.

    Raises:
        UserError: If there is something else, or no folder can be of this name.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        try:
            mode = self.root.stat().st_mode
        except FileNotFoundError:
            pass
        except OSError as error:
            raise UserError(f"store {root}: {error.strerror}; name another folder") from None
        else:
            if not stat.S_ISDIR(mode):
                raise UserError(f"store {root}: not a folder; name another")
        # a report asks for them again and again; one of thousands of runs takes a second to read
        self._plans: dict[Path, tuple[tuple[int, int, int], SweepPlan]] = {}

    def prepare(self) -> None:
        """Make the folder, before any work is done whose results could then not be kept.

        Raises:
            UserError: If it cannot be made or written to.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            reason = error.strerror or error
            raise UserError(
                f"store {self.root}: cannot be written to ({reason}); name another folder"
            ) from None

    def run_dir(self, run_id: str) -> Path:
        """Return where the finished run `run_id` is."""
        return self.root / "runs" / run_id

    def work_dir(self, run_id: str) -> Path:
        """Return where run `run_id` keeps its checkpoint and log while it is unfinished."""
        return self.root / "work" / run_id

    def changed(self) -> float:
        """Return when a run was last added, in seconds; 0 for none."""
        runs = self.root / "runs"
        return runs.stat().st_mtime if runs.is_dir() else 0.0

    def has(self, run_id: str) -> bool:
        """Tell whether the run is done."""
        return (self.run_dir(run_id) / "record.json").is_file()

    def weights_file(self, run_id: str) -> Path:
        """Return where the weights of the finished run `run_id` are, if they were kept."""
        return self.run_dir(run_id) / "weights.safetensors"

    def has_weights(self, run_id: str) -> bool:
        """Tell whether a finished run's method can be made again: weights kept, or none trained."""
        return self.weights_file(run_id).is_file() or not self.read(run_id).trained_parameters

    def write(
        self,
        record: RunRecord,
        predictions: bytes,
        log: Path | None = None,
        weights: bytes | None = None,
    ) -> bool:
        """Add a finished run; return False when another process had already added it.

        The directory is filled aside and renamed, so a record is never half-written, and the
        first of two writers wins.
        """
        final = self.run_dir(record.id)
        final.parent.mkdir(parents=True, exist_ok=True)
        aside = final.with_name(f".{record.id}.{uuid.uuid4().hex}")
        try:
            aside.mkdir()
            write_atomically(aside / "predictions.npz", predictions)
            if weights is not None:
                write_atomically(aside / self.weights_file(record.id).name, weights)
            if log is not None and log.is_file():
                shutil.copyfile(log, aside / "log.txt")
            text = record.model_dump_json(indent=1)
            write_atomically(aside / "record.json", text.encode())
            if final.is_dir() and not self.has(record.id):
                self.set_aside(record.id)  # what is left of a run whose record was deleted
            aside.rename(final)
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            if not self.has(record.id):
                raise
            return False
        (self.root / "failures" / f"{record.id}.json").unlink(missing_ok=True)
        shutil.rmtree(self.work_dir(record.id), ignore_errors=True)
        return True

    def set_aside(self, run_id: str) -> Path:
        """Move a finished run out of the way, so that it can be run again; return where it is."""
        kept = self.root / "replaced" / f"{run_id}.{uuid.uuid4().hex[:8]}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        self.run_dir(run_id).rename(kept)
        return kept

    def read(self, run_id: str) -> RunRecord:
        """Return the record of a finished run.

        Raises:
            UserError: If there is none, or it cannot be read.
        """
        path = self.run_dir(run_id) / "record.json"
        if not path.is_file():
            raise UserError(
                f"{self.root}: no finished run '{run_id}'; `report` lists what is there"
            )
        record: RunRecord = _read(RunRecord, path)
        if record.id != run_id:
            raise UserError(f"{path}: the record of run {record.id}; restore or delete it")
        return record

    def check_formats(self, run_ids: Iterable[str]) -> None:
        """Look at the head of finished runs' records alone: there may be thousands.

        Raises:
            UserError: If one is of another format.
        """
        for run_id in run_ids:
            with (self.run_dir(run_id) / "record.json").open("rb") as file:
                head = file.read(64)
            if b'"schema_version": %d,' % formats.FORMAT not in head:
                self.read(run_id)

    def records(self) -> Iterator[RunRecord]:
        """Yield every finished run, sorted by id."""
        for path in sorted(self.root.glob("runs/[0-9a-f]*/record.json")):
            yield self.read(path.parent.name)

    def predictions(self, run_id: str) -> Predictions:
        """Return the per-image predictions of a finished run."""
        path = self.run_dir(run_id) / "predictions.npz"
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError(path)
        with np.load(path) as file:
            return Predictions(**{name: file[name] for name in file.files})

    def fail(self, spec: RunSpec, error: str, traceback: str, when: str) -> None:
        """Record that a run failed; the count of attempts goes up."""
        path = self.root / "failures" / f"{spec.id}.json"
        before = self.failure(spec.id)
        failure = Failure(
            written_by=__version__,
            id=spec.id,
            spec=spec,
            error=redacted(error),
            traceback=redacted(traceback),
            when=when,
            attempts=before.attempts + 1 if before else 1,
        )
        write_atomically(path, failure.model_dump_json(indent=1).encode())

    def failure(self, run_id: str) -> Failure | None:
        """Return the failure of a run that has no record, if it failed."""
        path = self.root / "failures" / f"{run_id}.json"
        if self.has(run_id) or not path.is_file():
            return None
        failure: Failure = _read(Failure, path)
        return failure

    def failures(self) -> Iterator[Failure]:
        """Yield the failures of runs that have no record, sorted by id."""
        for path in sorted(self.root.glob("failures/*.json")):
            failure = self.failure(path.stem)
            if failure is not None:
                yield failure

    def write_plan(self, plan: SweepPlan) -> None:
        """Keep what a sweep asked for; the latest plan of a name replaces the one before."""
        path = self.root / "sweeps" / f"{plan.name}.json"
        write_atomically(path, plan.model_dump_json(indent=1).encode())

    def plans(self) -> Iterator[SweepPlan]:
        """Yield the plans of all sweeps run into this store, sorted by name."""
        for path in sorted(self.root.glob("sweeps/*.json")):
            state = _file(path).stat()
            version = (state.st_mtime_ns, state.st_size, state.st_ino)
            if self._plans.get(path, (None, None))[0] != version:
                self._plans[path] = version, _read(SweepPlan, path)
            yield self._plans[path][1]


def _file(path: Path) -> Path:
    if not path.is_file():  # a link to nowhere; a pipe would be waited for
        raise UserError(f"{path}: no file; restore or delete it")
    return path


def _read(model: type[BaseModel], path: Path) -> Any:
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValueError):  # slower, and says what is wrong
        values = _load(path)
        formats.check_format(values, str(path))
        try:
            return validated(model, values, str(path))
        except UserError as error:
            remedy = formats.other_writer(values) or "; restore or delete the file"
            raise UserError(f"{error}{remedy}") from None


def _load(path: Path) -> Any:
    try:
        return json.loads(_file(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as JSON ({error}); restore or delete it") from None
    except RecursionError:
        raise UserError(f"{path}: nested too deeply; restore or delete it") from None
