"""Check that an archive is what it says: whole, and consistent with itself.

Scores are counted again from the predictions. That shows that nobody mistyped or mixed up a file;
it does not show that the runs were made, for labels and predictions come from the archive, too.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from harness.errors import UserError, error_line
from harness.store.exchange.archive import MANIFEST, Manifest
from harness.store.exchange.unpack import MAX_MEMBER, unpack
from harness.store.records import SCHEMA, Predictions, RunRecord
from harness.store.store import Store
from harness.validation import validated

_DTYPES = {
    "test": np.uint8, "label": np.uint16, "prediction": np.uint16,
    "confidence": np.float16, "score": np.float16,
}  # fmt: skip


@dataclass(frozen=True)
class Received:
    """An archive, unpacked."""

    file: Path
    store: Store
    """What was inside, as a store in a temporary directory."""
    problems: tuple[str, ...]
    """One line each; empty if all is well."""


@contextmanager
def received(file: Path) -> Iterator[Received]:
    """Unpack and check an archive; the store is gone at the end.

    Raises:
        UserError: If `file` cannot be opened.
    """
    with TemporaryDirectory(prefix="clip-bench-") as name:
        folder = Path(name)
        problems = unpack(file, folder)
        if not problems:  # else every line that follows would only repeat it
            try:
                problems = list(_problems(folder))
            except RecursionError:
                problems = ["a JSON file is nested too deeply to be read"]
        yield Received(file, Store(folder), tuple(problems))


def _problems(folder: Path) -> Iterator[str]:
    try:
        manifest = _manifest(folder / MANIFEST)
    except UserError as error:
        yield str(error)
        return
    yield from _files(manifest, folder)
    ids = sorted(path.name for path in folder.glob("runs/*"))
    if ids != sorted(manifest.runs):
        yield f"{MANIFEST}: 'runs' names other runs than there are"
    for run_id in ids:
        yield from (f"run {run_id}: {problem}" for problem in _run(Store(folder), run_id))
    yield from _plans(manifest, Store(folder))


def _manifest(path: Path) -> Manifest:
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{MANIFEST} is missing: no archive of results") from None
    except ValueError as error:
        raise UserError(f"{MANIFEST}: not JSON ({error})") from None
    manifest: Manifest = validated(Manifest, values, MANIFEST)
    if manifest.record_schema != SCHEMA:
        raise UserError(
            f"{MANIFEST}: records of schema {manifest.record_schema}, this version reads {SCHEMA}"
        )
    return manifest


def _files(manifest: Manifest, folder: Path) -> Iterator[str]:
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    for name in sorted(found - set(manifest.files) - {MANIFEST}):
        yield f"{name}: not in {MANIFEST}"
    for name, member in sorted(manifest.files.items()):
        if name not in found:
            yield f"{name}: in {MANIFEST}, but not in the archive"
        elif hashlib.sha256((folder / name).read_bytes()).hexdigest() != member.sha256:
            yield f"{name}: its SHA-256 is not that in {MANIFEST}"


def _run(store: Store, run_id: str) -> Iterator[str]:
    try:
        record = store.read(run_id)
    except UserError as error:
        yield str(error).replace(f"{store.root}/", "").replace(str(store.root), "archive")
        return
    if not run_id == record.id == record.spec.id:
        yield f"record.json says '{record.id}', its spec's content gives {record.spec.id}"
    if record.schema_version != SCHEMA:
        yield f"schema {record.schema_version}, this version reads {SCHEMA}"
    yield from _scores(record)
    path = store.run_dir(run_id) / "predictions.npz"
    if not path.is_file():
        yield "predictions.npz is missing"
        return
    if hashlib.sha256(path.read_bytes()).hexdigest() != record.predictions_sha256:
        yield "predictions.npz: its SHA-256 is not the record's predictions_sha256"
    try:
        predictions = _predictions(path)
    except UserError as error:
        yield f"predictions.npz: {error}"
        return
    yield from _counted_again(record, predictions)


def _scores(record: RunRecord) -> Iterator[str]:
    metrics = record.metrics
    groups = {
        "tests": metrics.tests, "source_val": metrics.source_val,
        "zero_shot_val": metrics.zero_shot_val,
    }  # fmt: skip
    for group, scores in groups.items():
        for name, score in scores.items():
            if not 0 <= score.correct <= score.n or score.n == 0:
                yield f"metrics.{group}.{name}: {score.correct} correct of {score.n}"
    if any(score.n == 0 for score in metrics.tests.values()):
        return
    try:
        record.spec.protocol.measured(record.spec.target, metrics.tests)
    except KeyError as error:
        yield f"metrics.tests: protocol {record.spec.protocol.name} also tests {error}"


def _predictions(path: Path) -> Predictions:
    """Return the arrays, after a look at how large they would be.

    Raises:
        UserError: If they are not what predictions are.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > MAX_MEMBER:
                raise UserError(f"larger than {MAX_MEMBER >> 20} MiB")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except UserError:
        raise
    except Exception as error:  # somebody else's bytes: numpy, zipfile and zlib raise many things
        raise UserError(f"cannot be read ({error_line(error)})") from None
    if set(arrays) != set(_DTYPES):
        raise UserError(f"holds {', '.join(sorted(arrays))}; wanted {', '.join(sorted(_DTYPES))}")
    n = len(arrays["test"])
    for name, values in arrays.items():
        if not isinstance(values, np.ndarray):
            raise UserError(f"'{name}' is no array")
        if values.dtype != _DTYPES[name] or values.shape != (n,):
            raise UserError(f"'{name}' is {values.dtype} {list(values.shape)}")
    return Predictions(**arrays)


def _counted_again(record: RunRecord, found: Predictions) -> Iterator[str]:
    tests = record.metrics.tests
    classes = len(record.class_names)
    largest = max((int(v.max(initial=0)) for v in (found.label, found.prediction)), default=0)
    if largest >= classes:
        yield f"predictions.npz: class {largest}, but the record names {classes}"
    if any(not 0 <= c < classes for c in record.trained_classes):
        yield f"trained_classes: not all below {classes}"
    if not ((found.confidence >= 0) & (found.confidence <= 1)).all():
        yield "predictions.npz: a confidence is not in 0..1"
    if int(found.test.max(initial=0)) >= len(tests):
        yield f"predictions.npz: test set {int(found.test.max())}, but the record has {len(tests)}"
    for number, (name, score) in enumerate(tests.items()):
        own = found.test == number
        correct, n = int((found.label == found.prediction)[own].sum()), int(own.sum())
        if (correct, n) != (score.correct, score.n):
            yield (
                f"metrics.tests.{name}: {score.correct} correct of {score.n}, "
                f"the predictions say {correct} of {n}"
            )


def _plans(manifest: Manifest, store: Store) -> Iterator[str]:
    known = {*manifest.runs, *manifest.missing}
    if both := set(manifest.runs) & set(manifest.missing):
        yield f"{MANIFEST}: run {min(both)} stands under 'runs' and under 'missing'"
    files = sorted(path.stem for path in store.root.glob("sweeps/*.json"))
    if files != sorted(manifest.sweeps):
        yield f"{MANIFEST}: 'sweeps' names other plans than there are"
    try:
        plans = {plan.name: plan for plan in store.plans()}
    except UserError as error:
        yield str(error).replace(f"{store.root}/", "")
        return
    if sorted(plans) != files:
        yield f"sweeps: the plans call themselves {', '.join(sorted(plans))}"
    for name, plan in plans.items():
        for run_id in sorted({spec.id for spec in plan.runs} - known):
            yield f"sweeps/{name}.json: run {run_id} is neither inside nor named as missing"
