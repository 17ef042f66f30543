"""Predictions of a method over a list of samples."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.data.bank import EVAL_BATCH, ImageBank
from harness.dataset import Sample
from harness.method import Method, MethodConfig
from harness.protocols.splits import TestSet
from harness.store.records import Score


def _logits(
    method: Method[MethodConfig],
    bank: ImageBank,
    samples: Sequence[Sample],
    class_names: tuple[str, ...],
) -> Iterator[Tensor]:
    if method.frozen_image_tower:
        kept = torch.split(bank.frozen_features(samples, None)[:, 0], EVAL_BATCH)
        features = (part.to(bank.backbone.device) for part in kept)
    else:
        features = (method.image_features(images) for images in bank.test_batches(samples))
    for part in features:
        yield method.logits(part, class_names).float().cpu()


@torch.no_grad()
def predict(
    method: Method[MethodConfig],
    bank: ImageBank,
    samples: Sequence[Sample],
    class_names: tuple[str, ...],
) -> Tensor:
    """Return [n, C] float32 logits on the CPU, in the order of `samples`.

    Raises:
        FloatingPointError: If a logit is not finite: an argmax over it would be a number about
            nothing.
    """
    logits = torch.cat(list(_logits(method, bank, samples, class_names)))
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


def pack_predictions(parts: Sequence[tuple[Tensor, TestSet]], logit_scale: float) -> bytes:
    """Return the bytes of ``predictions.npz`` (see `harness.store.store.Predictions`).

    NumPy stamps zip members with a fixed date, so equal predictions are equal bytes.

    Args:
        parts: Each test set with its logits [n, C], float32.
        logit_scale: Which turns logits into cosines, for CLIP-like heads.
    """
    columns: dict[str, list[np.ndarray[Any, Any]]] = {}
    for number, (logits, tested) in enumerate(parts):
        confidence, prediction = logits.softmax(1).max(1)
        classes = np.array(tested.classes, dtype=np.uint16)
        labels = np.array([sample.label for sample in tested.samples])
        for name, values in {
            "test": np.full(len(labels), number, dtype=np.uint8),
            "label": classes[labels],
            "prediction": classes[prediction.numpy()],
            "confidence": confidence.numpy().astype(np.float16),
            "score": (logits.max(1).values / logit_scale).numpy().astype(np.float16),
        }.items():
            columns.setdefault(name, []).append(values)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: np.concatenate(v) for name, v in columns.items()}
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
