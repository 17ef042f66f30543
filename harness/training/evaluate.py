"""Predictions of a method over a list of samples."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from harness.data.bank import SHARD, ImageBank
from harness.data.reader import EVAL_BATCH
from harness.dataset import Sample
from harness.errors import UserError
from harness.method import Method, MethodConfig
from harness.protocols.splits import TestSet
from harness.source import room_hash, source_hash
from harness.store.files import write_atomically
from harness.store.records import NO_CLASS, TOP, Score


@dataclass(frozen=True)
class Parts:
    """Files of logits of a long evaluation, so that a run that is stopped in it goes on there."""

    folder: Path
    name: str
    weights: bytes
    """What the logits depend on: those of other weights are not taken."""

    def load(self, start: int, shape: tuple[int, int]) -> Tensor | None:
        """Return the logits from image `start` on; None if they are not there, or not whole."""
        try:
            data = self._file(start).read_bytes()
        except FileNotFoundError:
            return None
        content, digest = data[:-32], data[-32:]
        if self._digest(content) != digest:
            return None
        found = np.frombuffer(content, np.float32).copy()
        return torch.from_numpy(found).view(shape) if found.size == math.prod(shape) else None

    def save(self, start: int, logits: Tensor) -> None:
        """Keep the logits from image `start` on."""
        content = logits.numpy().tobytes()
        write_atomically(self._file(start), content + self._digest(content))

    def _file(self, start: int) -> Path:
        return self.folder / f"logits-{self.name}-{start}"

    def _digest(self, content: bytes) -> bytes:
        return hashlib.sha256(self.weights + content).digest()


@dataclass(frozen=True)
class PretrainedAnswers:
    """What the pretrained model says of a test set's images."""

    cosine: Tensor
    """[n], of the image with its label's text."""
    prediction: Tensor
    """[n], an index into the test set's own classes."""


def _logits(
    method: Method[MethodConfig],
    bank: ImageBank,
    samples: Sequence[Sample],
    class_names: tuple[str, ...],
    pretrained: bool,
) -> Iterator[Tensor]:
    source = "" if method.trains else source_hash(type(method))
    kept = None
    if not method.trains and method.frozen_image_tower:
        kept = bank.untrained_features(samples, bank.plain_features, "")
    elif pretrained:
        kept = bank.frozen_features(samples, None)[:, 0]
    elif source:
        key = f"{method.name} {method.config.model_dump_json()} {source} {room_hash('clip')}"
        kept = bank.untrained_features(samples, method.image_features, key)
    features = (
        (method.image_features(images) for images in bank.test_batches(samples))
        if kept is None
        else (part.to(bank.backbone.device) for part in torch.split(kept, EVAL_BATCH))
    )
    for part in features:
        yield method.logits(part, class_names).float().cpu()


@torch.no_grad()
def predict(
    method: Method[MethodConfig],
    bank: ImageBank,
    samples: Sequence[Sample],
    class_names: tuple[str, ...],
    done: Parts | None = None,
    at_start: bool = False,
) -> Tensor:
    """Return [n, C] float32 logits on the CPU, in the order of `samples`.

    Args:
        method: The method, with the weights to use.
        bank: Of the images.
        samples: n images.
        class_names: C classes.
        done: Where parts of a long evaluation are kept until the run has its record.
        at_start: No step was taken yet.

    Raises:
        Interrupted: When the run is asked to stop; the parts are kept.
        FloatingPointError: If a logit is not finite: an argmax over it would be a number about
            nothing.
    """
    pretrained = method.frozen_image_tower or (
        # features in half precision are not those of weights rounded to it
        at_start and method.starts_pretrained and bank.backbone.spec.precision != "fp16-replica"
    )
    parts = []
    for start in range(0, len(samples), SHARD):
        part = samples[start : start + SHARD]
        known = done.load(start, (len(part), len(class_names))) if done else None
        if known is None:
            known = torch.cat(list(_logits(method, bank, part, class_names, pretrained)))
            if done and len(samples) > SHARD:
                done.save(start, known)
        parts.append(known)
    logits = torch.cat(parts)
    broken = ~torch.isfinite(logits).all(dim=1)
    if broken.any():
        first = samples[int(broken.nonzero()[0])]
        raise FloatingPointError(
            f"logits are not finite on {int(broken.sum())} of {len(samples)} images, the first is "
            f"{first.key}; lower the learning rate, or look at the method's losses"
        )
    return logits


def score(logits: Tensor, samples: Sequence[Sample]) -> Score:
    """Return the top-1 count; ties go to the lower class index."""
    labels = torch.tensor([sample.label for sample in samples])
    return Score(correct=int((logits.argmax(1) == labels).sum()), n=len(samples))


@torch.no_grad()
def pretrained_answers(
    bank: ImageBank, tested: TestSet, frozen: bool = False
) -> PretrainedAnswers | None:
    """Return what the pretrained model says of the images by the data set's template.

    Args:
        bank: Of the images.
        tested: n images and their classes.
        frozen: Whether a trained method just read the pretrained tower's features of these very
            images; otherwise they are those that untrained methods share, computed once.

    Returns:
        None if a prompt is longer than the model takes: there are methods that do without.
    """
    try:
        text = bank.backbone.text_features(tested.class_names, bank.dataset.prompts).cpu()
    except UserError:
        return None
    labels = torch.tensor([sample.label for sample in tested.samples])
    features = (
        bank.frozen_features(tested.samples, None)[:, 0]
        if frozen
        else bank.untrained_features(tested.samples, bank.plain_features, "")
    )
    prediction = torch.cat([(part @ text.T).argmax(1) for part in torch.split(features, SHARD)])
    return PretrainedAnswers((features * text[labels]).sum(1), prediction)


def _best(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return the indices [n, TOP] of the largest logits and these, ties by the lower index.

    Columns that there are too few classes for are -1 and minus infinity.
    """
    places = torch.full((len(logits), TOP), -1)
    values = torch.full((len(logits), TOP), -torch.inf)
    left = logits.clone()
    for column in range(min(TOP, logits.shape[1])):  # topk does not say which of equals it takes
        at = left.argmax(1, keepdim=True)
        places[:, column], values[:, column] = at[:, 0], left.gather(1, at)[:, 0]
        left.scatter_(1, at, -torch.inf)
    return places, values


def pack_predictions(
    parts: Sequence[tuple[Tensor, TestSet]],
    logit_scale: float,
    pretrained: Sequence[PretrainedAnswers | None] = (),
) -> bytes:
    """Return the bytes of ``predictions.npz`` (see `harness.store.records.Predictions`).

    NumPy stamps zip members with a fixed date, so equal predictions are equal bytes.

    Args:
        parts: Each test set with its logits [n, C], float32.
        logit_scale: Which turns logits into cosines, for CLIP-like heads.
        pretrained: What the pretrained model says, for each part; left out unless for all.
    """
    k = min(TOP, max(logits.shape[1] for logits, _ in parts))
    known = [answers for answers in pretrained if answers is not None]
    columns: dict[str, list[np.ndarray[Any, Any]]] = {}
    for number, (logits, tested) in enumerate(parts):
        best, values = _best(logits)
        classes = np.array([*tested.classes, NO_CLASS], dtype=np.uint16)  # -1 is the last
        labels = torch.tensor([sample.label for sample in tested.samples])
        arrays = {
            "test": np.full(len(labels), number, dtype=np.uint8),
            "label": classes[labels.numpy()],
            "prediction": classes[best[:, 0].numpy()],
            "confidence": logits.softmax(1).max(1).values.numpy().astype(np.float16),
            "score": (values[:, 0] / logit_scale).numpy().astype(np.float16),
            "top": classes[best[:, :k].numpy()],
            "logits": (values[:, :k] / logit_scale).numpy().astype(np.float16),
            "log_probability": -F.cross_entropy(logits, labels, reduction="none").numpy(),
        }
        if len(known) == len(parts):
            arrays["alignment"] = known[number].cosine.numpy().astype(np.float16)
            arrays["zero_shot"] = classes[known[number].prediction.numpy()]
        for name, own in arrays.items():
            columns.setdefault(name, []).append(own)
    buffer = io.BytesIO()
    joined: dict[str, Any] = {name: np.concatenate(v) for name, v in columns.items()}
    np.savez_compressed(buffer, **joined)
    return buffer.getvalue()
