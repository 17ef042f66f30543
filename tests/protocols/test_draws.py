from __future__ import annotations

import random
from collections import Counter

import pytest

from harness.dataset import Sample
from harness.protocols.draws import few_shot

PINNED = [
    4, 18, 27, 25, 24, 2, 8, 3, 15, 14, 21, 12, 6, 22, 19, 0, 798, 886, 1244, 4, 912, 545, 468,
    1210, 209, 650, 62, 45, 52, 1108, 18, 780, 175, 55, 108, 185,
]  # fmt: skip


def samples(sizes: dict[int, int], split: str, shuffle: int | None = None) -> list[Sample]:
    """Images by label in the order of `sizes`, or mixed."""
    found = [
        Sample(f"{split}/{label}/{i}.jpg", label, "d", split=split)
        for label, n in sizes.items()
        for i in range(n)
    ]
    if shuffle is not None:
        random.Random(shuffle).shuffle(found)
    return found


def reference(
    train: list[Sample], val: list[Sample], shots: int, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """CoOp with Dassl: the global generator, one label after the other, train before val."""
    state = random.getstate()
    random.seed(seed)
    out: list[list[Sample]] = []
    for part, k in ((train, shots), (val, min(shots, 4))):
        labels: list[int] = []
        for sample in part:
            if sample.label not in labels:
                labels.append(sample.label)
        chosen: list[Sample] = []
        for label in labels:
            items = [sample for sample in part if sample.label == label]
            chosen += random.sample(items, k) if len(items) >= k else items
        out.append(chosen)
    random.setstate(state)
    return out[0], out[1]


@pytest.mark.parametrize("shots", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_draws_what_coop_draws(shots: int, seed: int) -> None:
    rng = random.Random(100 * shots + seed)
    labels = rng.sample(range(12), 12)
    train = samples({label: rng.randint(3, 60) for label in labels}, "train", shuffle=seed)
    val = samples({label: rng.randint(1, 25) for label in reversed(labels)}, "val", shuffle=seed)
    expected = reference(train, val, shots, seed)
    got = few_shot(train, val, shots, seed)
    assert (list(got[0]), list(got[1])) == expected


def test_a_small_class_gives_all_it_has_and_costs_no_draw() -> None:
    train = samples({5: 3, 2: 20}, "train")
    kept, none = few_shot(train, [], 16, seed=1)
    assert Counter(s.label for s in kept) == {5: 3, 2: 16}
    assert list(kept[:3]) == train[:3]
    assert kept[3:] == few_shot(train[3:], [], 16, seed=1)[0]
    assert none == ()


def test_validation_has_four_at_most() -> None:
    train, val = samples({0: 20, 1: 20}, "train"), samples({0: 20, 1: 20}, "val")
    for shots, expected in ((1, 1), (2, 2), (4, 4), (16, 4)):
        kept = few_shot(train, val, shots, seed=3)[1]
        assert Counter(s.label for s in kept) == {0: expected, 1: expected}
        assert all(s.split == "val" for s in kept)


def test_neither_uses_nor_moves_the_global_generator() -> None:
    train = samples({0: 50}, "train")
    random.seed(7)
    before = random.getstate()
    first = few_shot(train, train, 8, seed=1)
    assert random.getstate() == before
    random.seed(8)
    assert few_shot(train, train, 8, seed=1) == first
    assert few_shot(train, train, 8, seed=2) != first


def test_the_numbers_are_pinned() -> None:
    """Python promises no more than random() across versions: if this fails, sample() changed.

    The three sizes take sample()'s two ways, a pool (30) and a set (200, 1300).
    """
    kept, val = few_shot(samples({0: 30, 1: 1300}, "train"), samples({0: 200}, "val"), 16, seed=1)
    numbers = [int(s.key.split("/")[2][:-4]) for s in (*kept, *val)]
    assert numbers == PINNED


def test_no_shots() -> None:
    with pytest.raises(ValueError, match="shots is 0"):
        few_shot(samples({0: 3}, "train"), [], 0, seed=1)
