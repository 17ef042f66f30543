"""Arithmetic written out with loops over Python's floats, to check losses against."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Rows = list[list[float]]


def rows(x: Tensor) -> Rows:
    result: Rows = x.detach().double().tolist()
    return result


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def unit(a: Sequence[float]) -> list[float]:
    return [x / math.sqrt(dot(a, a)) for x in a]


def softmax(values: Sequence[float]) -> list[float]:
    top = max(values)
    total = sum(math.exp(v - top) for v in values)
    return [math.exp(v - top) / total for v in values]


def cross_entropy(logits: Rows, targets: Rows) -> float:
    total = 0.0
    for values, target in zip(logits, targets, strict=True):
        total -= sum(q * math.log(p) for p, q in zip(softmax(values), target, strict=True) if q)
    return total / len(logits)


def onehot(label: int, classes: int) -> list[float]:
    return [float(c == label) for c in range(classes)]


def noisy(parameters: Sequence[torch.nn.Parameter], seed: int) -> None:
    """Move parameters off their initial values, so that none of them is without effect."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(torch.randn(parameter.shape, generator=draw))
