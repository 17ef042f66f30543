"""A store of runs: one immutable record per run, written once, atomically.

Layout of a store directory::

    runs/<id>/record.json        the record (RunRecord); the directory appears whole or not at all
    runs/<id>/predictions.npz    per test image: test set, label, prediction, confidence, score
    runs/<id>/weights.safetensors  if asked for: what was trained, as it was tested, float32
    failures/<id>.json           the last failure of a run that has no record, with its traceback
    sweeps/<name>.json           what was planned: the sweep as given and its run ids, in order
    work/<id>/                   checkpoint and log of a run in progress

Reading needs neither torch nor the plugins.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UserError
from harness.specs import RunSpec
from harness.validation import validated

SCHEMA = 1


class Record(BaseModel):
    """Frozen; an unknown key is an error, so that a newer store is not misread."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Score(Record):
    """Top-1 accuracy over some images."""

    correct: int
    n: int

    @property
    def accuracy(self) -> float:
        """Fraction in 0..1."""
        return self.correct / self.n if self.n else float("nan")


class Metrics(Record):
    """What the run measured. Identical bytes for identical specs on identical software."""

    tests: dict[str, Score]
    """By test set, with the selected weights: ``target`` for domain_shift, ``base`` and ``new`` or
    ``open`` where classes are left out, the tested domains for distribution_shift."""
    source_val: dict[str, Score]
    """The source domains' validation parts, with the selected weights."""
    zero_shot_val: dict[str, Score]
    """The same before training: a trained method should beat where it started."""
    selection: str
    """`last`, `averaged` or `best`: the weights that were tested."""
    selected_step: int
    """The optimiser step of the tested weights (the last one unless `best`)."""
    losses: dict[str, list[float]] = Field(default_factory=dict)
    """Named loss terms, each the mean over consecutive tenths of the run."""


class Provenance(Record):
    """Where, when and with what the run was made. Never part of a run's identity."""

    started: str
    """ISO 8601, UTC."""
    wall_s: float
    """Seconds from start to finish; of all attempts, if the run was resumed."""
    step_ms: float | None
    """Median milliseconds of an optimiser step, data included; None without training."""
    peak_memory_mb: float
    """Peak resident memory of the process, or allocated memory of the CUDA device."""
    resumed: int = 0
    """How often the run continued from a checkpoint."""
    device: str
    """The CPU's or the GPU's name."""
    threads: int
    host: str
    git: str
    """Commit of the code, with ``+dirty`` when files differed; empty outside a checkout."""
    versions: dict[str, str]
    """python, torch, open_clip_torch, numpy, clip-benchmark-harness."""
    command: list[str]


class RunRecord(Record):
    """Everything about one finished run."""

    schema_version: int = SCHEMA
    id: str
    spec: RunSpec
    metrics: Metrics
    provenance: Provenance
    dataset_fingerprint: str
    """SHA-256 over the relative names and sizes of the data set's files, 16 digits."""
    model_fingerprint: str
    """SHA-256 over the pretrained weights, 16 digits."""
    class_names: tuple[str, ...]
    """All of the data set's classes, to which the predictions' indices refer."""
    trained_classes: tuple[int, ...]
    """Which of them were trained on."""
    trained_parameters: int
    total_parameters: int
    citation: str
    predictions_sha256: str

    @property
    def accuracy(self) -> float:
        """The run's one number, a fraction: see `Protocol.headline`."""
        return self.spec.protocol.headline(self.spec.target, self.metrics.tests)


class Failure(Record):
    """A run that raised or was lost."""

    id: str
    spec: RunSpec
    error: str
    """One line: type and message."""
    traceback: str
    when: str
    attempts: int = 1


class SweepPlan(Record):
    """What a sweep asked for; tells the report which cells are missing."""

    name: str
    source: dict[str, Any]
    """The sweep as the user gave it, figures included."""
    runs: tuple[RunSpec, ...]


@dataclass(frozen=True)
class Predictions:
    """Per test image, in the data set's order, one test set after the other."""

    test: NDArray[np.uint8]
    """Which of the record's ``metrics.tests``, in their order."""
    label: NDArray[np.uint16]
    """Index into the record's ``class_names``."""
    prediction: NDArray[np.uint16]
    """The same; only classes that the test set is scored over."""
    confidence: NDArray[np.float16]
    """Softmax probability of the predicted class."""
    score: NDArray[np.float16]
    """Largest logit divided by the logit scale (a cosine, for CLIP-like heads)."""


def write_atomically(path: Path, data: bytes, durable: bool = True) -> None:
    """Write beside, then rename: a reader sees the old content, the new, or none.

    Without `durable` that holds unless the machine itself stops; thousands of files go faster.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile's: its files are the owner's alone, and colleagues share a store.
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


class Store:
    """A directory of runs."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def run_dir(self, run_id: str) -> Path:
        """Return where the finished run `run_id` is."""
        return self.root / "runs" / run_id

    def work_dir(self, run_id: str) -> Path:
        """Return where run `run_id` keeps its checkpoint and log while it is unfinished."""
        return self.root / "work" / run_id

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
            (aside / "predictions.npz").write_bytes(predictions)
            if weights is not None:
                write_atomically(aside / self.weights_file(record.id).name, weights)
            if log is not None and log.is_file():
                shutil.copyfile(log, aside / "log.txt")
            text = record.model_dump_json(indent=1)
            write_atomically(aside / "record.json", text.encode())
            aside.rename(final)
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            if not self.has(record.id):
                raise
            return False
        (self.root / "failures" / f"{record.id}.json").unlink(missing_ok=True)
        shutil.rmtree(self.work_dir(record.id), ignore_errors=True)
        return True

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
        record: RunRecord = validated(RunRecord, _load(path), str(path))
        return record

    def records(self) -> Iterator[RunRecord]:
        """Yield every finished run, sorted by id."""
        for path in sorted(self.root.glob("runs/[0-9a-f]*/record.json")):
            yield self.read(path.parent.name)

    def predictions(self, run_id: str) -> Predictions:
        """Return the per-image predictions of a finished run."""
        with np.load(self.run_dir(run_id) / "predictions.npz") as file:
            return Predictions(**{name: file[name] for name in file.files})

    def fail(self, spec: RunSpec, error: str, traceback: str, when: str) -> None:
        """Record that a run failed; the count of attempts goes up."""
        path = self.root / "failures" / f"{spec.id}.json"
        before = self.failure(spec.id)
        failure = Failure(
            id=spec.id,
            spec=spec,
            error=error,
            traceback=traceback,
            when=when,
            attempts=before.attempts + 1 if before else 1,
        )
        write_atomically(path, failure.model_dump_json(indent=1).encode())

    def failure(self, run_id: str) -> Failure | None:
        """Return the failure of a run that has no record, if it failed."""
        path = self.root / "failures" / f"{run_id}.json"
        if self.has(run_id) or not path.is_file():
            return None
        failure: Failure = validated(Failure, _load(path), str(path))
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
            yield validated(SweepPlan, _load(path), str(path))


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as JSON ({error}); restore or delete it") from None
