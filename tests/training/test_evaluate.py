"""Logits of a method over samples, their score and their file."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from harness.data.bank import SHARD
from harness.data.reader import EVAL_BATCH
from harness.dataset import Sample
from harness.errors import UserError
from harness.protocols.splits import TestSet
from harness.store.records import NO_CLASS
from harness.training.evaluate import (
    Parts,
    PretrainedAnswers,
    pack_predictions,
    predict,
    pretrained_answers,
    score,
)

NAMES = ("a", "b")


class Pixels:
    """A bank whose picture of a sample is its label."""

    def __init__(self) -> None:
        self.batches = 0

    def test_batches(self, samples: list[Sample]) -> Iterator[torch.Tensor]:
        for start in range(0, len(samples), EVAL_BATCH):
            self.batches += 1
            part = samples[start : start + EVAL_BATCH]
            yield torch.tensor([float(sample.label) for sample in part])


class Knows:
    """A method that knows the label; of class 7 it makes nonsense."""

    trains, frozen_image_tower, starts_pretrained = True, False, False

    def image_features(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def logits(self, features: torch.Tensor, class_names: tuple[str, ...]) -> torch.Tensor:
        found = -(features[:, None] - torch.arange(len(class_names))).abs()
        return torch.where(features[:, None] == 7, torch.nan, found)


def samples(*labels: int) -> list[Sample]:
    return [Sample(f"{i}.png", label, "d") for i, label in enumerate(labels)]


def logits(asked: list[Sample], classes: int) -> torch.Tensor:
    method, bank = Knows(), Pixels()
    names = tuple(str(i) for i in range(classes))
    return predict(method, bank, asked, names)  # type: ignore[arg-type]


def test_logits_come_in_the_order_of_the_samples_over_all_batches() -> None:
    labels = [i % 5 for i in range(2 * EVAL_BATCH + 3)]
    found = logits(samples(*labels), 5)
    assert found.shape == (len(labels), 5)
    assert found.argmax(1).tolist() == labels


def test_a_logit_that_is_not_finite_is_named() -> None:
    with pytest.raises(FloatingPointError, match=r"on 2 of 4 images, the first is 1\.png"):
        logits(samples(0, 7, 1, 7), 8)


def test_ties_go_to_the_lower_class() -> None:
    found = score(torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 2.0]]), samples(0, 1, 1))
    assert (found.correct, found.n) == (2, 3)


def test_predictions_name_the_classes_of_the_data_set() -> None:
    first = (
        torch.tensor([[0.0, 4.0], [8.0, 0.0]]),
        TestSet("in", tuple(samples(1, 1)), ("a", "b"), (3, 9)),
    )
    second = (torch.tensor([[2.0]]), TestSet("out", tuple(samples(0)), NAMES[:1], (5,)))
    data = pack_predictions([first, second], 4.0)
    found: Any = np.load(io.BytesIO(data))
    assert found["test"].tolist() == [0, 0, 1]
    assert found["label"].tolist() == [9, 9, 5]
    assert found["prediction"].tolist() == [9, 3, 5]
    assert found["score"].tolist() == [1.0, 2.0, 0.5]  # cosines
    assert found["confidence"][2] == 1
    assert found["log_probability"].dtype == np.float32
    exact = [-math.log1p(math.exp(-4)), -math.log1p(math.exp(8)), 0]
    assert found["log_probability"].tolist() == pytest.approx(exact, abs=1e-6)
    assert found["top"].tolist() == [[9, 3], [3, 9], [5, NO_CLASS]]
    assert found["logits"].tolist() == [[1.0, 0.0], [2.0, 0.0], [0.5, -np.inf]]
    assert "alignment" not in found
    assert pack_predictions([first, second], 4.0) == data


def test_the_five_best_classes_are_kept_and_of_equals_the_lower() -> None:
    logits = torch.tensor([[1.0, 3.0, 2.0, 3.0, 0.0, 2.0, 2.0]])
    part = TestSet("in", tuple(samples(6)), tuple("abcdefg"), tuple(range(10, 17)))
    said = PretrainedAnswers(torch.tensor([0.25]), torch.tensor([2]))
    found: Any = np.load(io.BytesIO(pack_predictions([(logits, part)], 2.0, [said])))
    assert found["top"].tolist() == [[11, 13, 12, 15, 16]]
    assert found["logits"].tolist() == [[1.5, 1.5, 1.0, 1.0, 1.0]]
    assert (found["alignment"].tolist(), found["zero_shot"].tolist()) == ([0.25], [12])
    two = pack_predictions([(logits, part)] * 2, 2.0, [said, None])
    assert "alignment" not in np.load(io.BytesIO(two))  # of all images, or not at all


def test_the_pretrained_model_is_asked_by_the_prompt_where_it_fits() -> None:
    class Tower:
        def text_features(self, names: tuple[str, ...], template: str) -> torch.Tensor:
            if template == "long":
                raise UserError("too long")
            return torch.eye(2)

    class Bank:
        backbone, dataset = Tower(), SimpleNamespace(prompts="{}")

        plain_features = None

        def frozen_features(self, samples: list[Sample], config: None) -> torch.Tensor:
            return torch.tensor([[[0.6, 0.8]], [[0.8, 0.6]]])

        def untrained_features(self, samples: list[Sample], *how: object) -> torch.Tensor:
            return torch.tensor([[0.8, 0.6], [0.6, 0.8]])

    bank: Any = Bank()
    part = TestSet("in", tuple(samples(0, 0)), NAMES, (0, 1))
    shared = pretrained_answers(bank, part)
    assert shared is not None
    assert shared.prediction.tolist() == [0, 1]
    found = pretrained_answers(bank, part, frozen=True)
    assert found is not None
    assert found.cosine.tolist() == pytest.approx([0.6, 0.8])
    assert found.prediction.tolist() == [1, 0]
    bank.dataset.prompts = "long"
    assert pretrained_answers(bank, part) is None


@pytest.mark.parametrize("spoil", ["", "weights", "bit", "cut"])
def test_a_long_evaluation_goes_on_where_it_was_stopped(tmp_path: Path, spoil: str) -> None:
    asked = samples(*(i % 5 for i in range(2 * SHARD + 10)))
    names = tuple("abcde")
    bank: Any = Pixels()
    whole = predict(Knows(), bank, asked, names)  # type: ignore[arg-type]
    all_batches = bank.batches
    for shard in (0, 1):  # all but the last part was done
        part = asked[shard * SHARD : (shard + 1) * SHARD]
        own = predict(Knows(), bank, part, names)  # type: ignore[arg-type]
        Parts(tmp_path, "target", b"w").save(shard * SHARD, own)
    file = tmp_path / "logits-target-0"
    if spoil == "bit":
        file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    elif spoil == "cut":
        file.write_bytes(file.read_bytes()[:100])
    bank.batches = 0
    done = Parts(tmp_path, "target", b"other" if spoil == "weights" else b"w")
    again = predict(Knows(), bank, asked, names, done)  # type: ignore[arg-type]
    assert torch.equal(again, whole)
    left = {"": 1, "weights": all_batches, "bit": 33, "cut": 33}
    assert bank.batches == left[spoil]


def test_a_short_evaluation_leaves_no_files(tmp_path: Path) -> None:
    bank: Any = Pixels()
    predict(Knows(), bank, samples(0, 1), NAMES, Parts(tmp_path, "t", b""))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
