"""Few-shot sampling as CoOp (Zhou et al., IJCV 2022) draws it, from the split file and a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.dataset import Sample

VALIDATION_SHOTS = 4
"""CoOp validates on at most so many images a class."""


def few_shot(
    train: Sequence[Sample], val: Sequence[Sample], shots: int, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Draw `shots` training images of each class and up to four to validate on.

    Equal to CoOp's released lists for its seeds: ``random.seed(seed)``, then per label, in the
    order in which labels first appear, ``random.sample(images, k)``; training images first, then
    validation images with ``min(shots, 4)``. A class with fewer images gives all of them.

    Args:
        train: The training split, in the split file's order.
        val: The validation split; without one (ImageNet) what was not drawn of `train` serves.
        shots: Images a class, at least 1.
        seed: CoOp's are 1, 2, 3.

    Returns:
        Training and validation samples, grouped by class.
    """
    draw = random.Random(seed)
    chosen = _draw(train, shots, draw)
    if not val:
        taken = {sample.key for sample in chosen}
        val = [sample for sample in train if sample.key not in taken]
    return chosen, _draw(val, min(shots, VALIDATION_SHOTS), draw)


def _draw(samples: Sequence[Sample], shots: int, draw: random.Random) -> tuple[Sample, ...]:
    by_label: dict[int, list[Sample]] = {}
    for sample in samples:
        by_label.setdefault(sample.label, []).append(sample)
    chosen: list[Sample] = []
    for members in by_label.values():
        chosen += draw.sample(members, shots) if len(members) >= shots else members
    return tuple(chosen)
