"""Few-shot samples exactly as CoOp draws them, so that its published lists need no download."""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.dataset import Sample

VAL_SHOTS = 4


def few_shot(
    train: Sequence[Sample], val: Sequence[Sample], shots: int, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Draw `shots` training and ``min(shots, 4)`` validation images of every class.

    CoOp (datasets/oxford_pets.py with Dassl's ``generate_fewshot_dataset``) seeds Python's
    generator once, then draws from the training and after it from the validation images, label by
    label in order of first appearance; a class with fewer images gives all it has, without a draw.
    It halves the classes only afterwards: draw from all classes, then filter.

    Args:
        train: In the split file's order; the order decides what is drawn.
        val: Likewise; may be empty (ImageNet has no validation part).
        shots: Images per class, 1 or more.
        seed: CoOp's ``SEED`` (1, 2, 3 in its papers).

    Returns:
        Training and validation images, by label in order of first appearance, each label's in
        the order drawn.

    Raises:
        ValueError: If `shots` is less than 1.
    """
    if shots < 1:
        raise ValueError(f"shots is {shots}, must be 1 or more")
    # Not harness.seeding: only this generator, in this order, gives CoOp's lists. Python promises
    # stable numbers across versions for random() alone; a test pins what sample() draws.
    draws = random.Random(seed)
    return _draw(train, shots, draws), _draw(val, min(shots, VAL_SHOTS), draws)


def _draw(samples: Sequence[Sample], shots: int, draws: random.Random) -> tuple[Sample, ...]:
    by_label: dict[int, list[Sample]] = {}
    for sample in samples:
        by_label.setdefault(sample.label, []).append(sample)
    return tuple(
        sample
        for items in by_label.values()
        for sample in (draws.sample(items, shots) if len(items) >= shots else items)
    )
