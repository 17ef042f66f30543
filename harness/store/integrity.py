"""Whether a record and its predictions say the same: its scores, counted again."""

from __future__ import annotations

import hashlib
import io
import math
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError, error_line
from harness.store.records import NO_CLASS, Predictions, RunRecord

MAX_BYTES = 256 * 2**20
"""Bytes of a run's predictions, unpacked: 37 for each image. The most is ImageNet with fifteen
corruptions at five severities, 140 MB; the largest domain, DomainNet's quickdraw, needs under 7."""
DTYPES = {
    "test": np.uint8, "label": np.uint16, "prediction": np.uint16,
    "confidence": np.float16, "score": np.float16,
}  # fmt: skip
LATER = {
    "top": np.uint16, "logits": np.float16, "alignment": np.float16, "zero_shot": np.uint16,
    "log_probability": np.float32,
}  # fmt: skip
"""What predictions made before it was kept do without."""
BEST = ("top", "logits")
"""Arrays of several values for each image."""
_ROUNDED = 1e-3
"""By how much a probability in half precision may differ from what it was."""
_HEADER = re.compile(
    rb"\{'descr': '(\|u1|<u2|<f2|<f4)', 'fortran_order': False, "
    rb"'shape': \((\d+),(?: (\d+))?\), \} *\n"
)


def examined(record: RunRecord, path: Path) -> tuple[list[str], Predictions | None]:
    """Return what is wrong with a record, or with its ``predictions.npz``, and what these hold.

    A run without predictions is taken at its word.
    """
    found = list(_scores(record))
    if record.id != record.spec.id and record.id not in record.spec.earlier_ids:
        found.insert(
            0, f"record.json says '{record.id}', its spec's content gives {record.spec.id}"
        )
    if not path.is_file():  # a pipe would be waited for
        return found, None
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != record.predictions_sha256:
            found.append("predictions.npz: its SHA-256 is not the record's predictions_sha256")
        arrays = read_predictions(data)
    except OSError as error:
        return [f"predictions.npz: cannot be read ({error.strerror})"], None
    except UserError as error:
        return [*found, f"predictions.npz: {error}"], None
    return [*found, *_counted_again(record, arrays)], arrays


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


def read_predictions(data: bytes) -> Predictions:
    """Return the arrays of a ``predictions.npz``, after a look at how large they would be.

    Raises:
        UserError: If they are not what predictions are.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = packed.infolist()
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise UserError(f"larger than {MAX_BYTES >> 20} MiB")
            arrays = {
                member.filename.removesuffix(".npy"): _array(packed.read(member))
                for member in members
            }
    except UserError:
        raise
    except Exception as error:  # perhaps somebody else's bytes: numpy and zipfile raise many things
        raise UserError(f"cannot be read ({error_line(error)})") from None
    if set(arrays) - set(LATER) != set(DTYPES):
        raise UserError(f"holds {', '.join(sorted(arrays))}; wanted {', '.join(sorted(DTYPES))}")
    if not all(isinstance(values, np.ndarray) for values in arrays.values()):
        name = next(n for n, values in arrays.items() if not isinstance(values, np.ndarray))
        raise UserError(f"'{name}' is no array")
    n = len(arrays["test"])
    best = (n, *arrays["top"].shape[1:2]) if "top" in arrays else (n, 0)
    for name, values in arrays.items():
        shape = best if name in BEST else (n,)
        if values.dtype != (DTYPES | LATER)[name] or values.shape != shape:
            raise UserError(f"'{name}' is {values.dtype} {list(values.shape)}")
    return Predictions(**arrays)


def _array(data: bytes) -> NDArray[Any]:
    """Return the array of a ``.npy`` file; those that NumPy writes of such arrays are read faster.

    What takes NumPy its time is the header, a Python literal. Here it is compared with the one
    that is meant.
    """
    size = 10 + int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10:size])
    if data[:8] == b"\x93NUMPY\x01\x00" and header:
        kind, shape = (
            np.dtype(header[1].decode()),
            tuple(map(int, filter(None, header.groups()[1:]))),
        )
        n = math.prod(shape)
        if len(data) == size + n * kind.itemsize:
            return np.frombuffer(data, kind, n, size).reshape(shape)
    found: NDArray[Any] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return found


def _counted_again(record: RunRecord, found: Predictions) -> Iterator[str]:
    tests = record.metrics.tests
    classes = len(record.class_names)
    if found.top is not None and (
        found.top.shape[1] == 0 or (found.top[:, 0] != found.prediction).any()
    ):
        yield "predictions.npz: the first of the best classes is not the predicted one"
    if any(not 0 <= c < classes for c in record.trained_classes):
        yield f"trained_classes: not all below {classes}"
    if not ((found.confidence >= 0) & (found.confidence <= 1)).all():
        yield "predictions.npz: a confidence is not in 0..1"
    if found.log_probability is not None:
        over = np.exp(found.log_probability.astype(np.float64)) - found.confidence
        right = found.label == found.prediction
        if not (
            np.isfinite(found.log_probability).all()
            and (over <= _ROUNDED).all()
            and (over[right] >= -_ROUNDED).all()
        ):
            yield "predictions.npz: a label's log_probability does not fit the confidence"
    if int(found.test.max(initial=0)) >= len(tests):
        yield f"predictions.npz: test set {int(found.test.max())}, but the record has {len(tests)}"
    for number, (name, score) in enumerate(tests.items()):
        own = found.test == number
        other = record.other_data.get(name)
        named = len(other.class_names) if other else classes
        answers = [found.label[own], found.prediction[own]]
        if found.top is not None:
            answers.append(found.top[own][found.top[own] != NO_CLASS])
        largest = max(int(values.max(initial=0)) for values in answers)
        if largest >= named:
            yield f"predictions.npz: class {largest}, but the record names {named}"
        correct, n = int((found.label == found.prediction)[own].sum()), int(own.sum())
        if (correct, n) != (score.correct, score.n):
            yield (
                f"metrics.tests.{name}: {score.correct} correct of {score.n}, "
                f"the predictions say {correct} of {n}"
            )
