from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.errors import UserError
from harness.method import Task
from tests.methods import loops, toy

PROJECTION = ["hidden.weight", "norm.weight", "norm.bias", "output.weight", "output.bias"]


def projected(features: loops.Rows, parameters: dict[str, Any]) -> loops.Rows:
    """Linear, batch norm, ReLU, linear, unit norm."""
    weights = {name: parameters[f"projection.{name}"].detach().double() for name in PROJECTION}
    hidden = [[loops.dot(w, f) for w in loops.rows(weights["hidden.weight"])] for f in features]
    for unit in range(len(hidden[0])):
        column = [h[unit] for h in hidden]
        mean = sum(column) / len(column)
        spread = math.sqrt(sum((x - mean) ** 2 for x in column) / len(column) + 1e-5)
        gain, shift = float(weights["norm.weight"][unit]), float(weights["norm.bias"][unit])
        for h in hidden:
            h[unit] = max(0.0, gain * (h[unit] - mean) / spread + shift)
    matrix, bias = loops.rows(weights["output.weight"]), weights["output.bias"].tolist()
    return [
        loops.unit([loops.dot(w, h) + b for w, b in zip(matrix, bias, strict=True)]) for h in hidden
    ]


@pytest.mark.parametrize(
    "config", [{}, {"tau": 0.2, "lambda_t": 1.5, "lambda_v": 0.7}, {"train_head": True}]
)
def test_loss(backbone: Backbone, config: dict[str, Any]) -> None:
    run = toy.build("tes", backbone, **config)
    settings = run.method.config
    loops.noisy([p for k, p in run.parameters.items() if k.startswith(("proj", "class"))], seed=5)
    batch = run.batch(0)
    assert batch.images is not None
    text = loops.rows(backbone.text_features(toy.NAMES, toy.TEMPLATE))
    features = loops.rows(run.backbone.image_features(batch.images))
    z = projected(features, run.parameters)
    text_logits = [[loops.dot(row, t) / settings.tau for t in text] for row in z]
    hard = [loops.onehot(y, 3) for y in batch.labels.tolist()]
    v = settings.lambda_v
    targets = [
        [v * p + (1 - v) * q for p, q in zip(loops.softmax(values), target, strict=True)]
        for values, target in zip(text_logits, hard, strict=True)
    ]
    weight = [[backbone.logit_scale * x for x in t] for t in text]
    bias = [0.0, 0.0, 0.0]
    if settings.train_head:
        weight = loops.rows(run.parameters["class_head.weight"])
        bias = run.parameters["class_head.bias"].tolist()
    logits = [[loops.dot(f, w) + b for w, b in zip(weight, bias, strict=True)] for f in features]
    got = {key: float(value.detach()) for key, value in run.method.losses(batch).items()}
    assert got == pytest.approx(
        {
            "classification": loops.cross_entropy(logits, targets),
            "text": settings.lambda_t * loops.cross_entropy(text_logits, hard),
        },
        rel=2e-4,
    )


def test_without_text_it_is_finetuning(backbone: Backbone) -> None:
    tes = toy.build("tes", backbone, lambda_t=0, lambda_v=0)
    finetune = toy.build("finetune", backbone)
    ours, theirs = (r.method.losses(r.batch(0)) for r in (tes, finetune))
    assert float(ours["text"].detach()) == 0
    torch.testing.assert_close(ours["classification"], theirs["classification"])


def test_soft_targets_carry_no_gradient(backbone: Backbone) -> None:
    run = toy.build("tes", backbone, lambda_v=1.0)
    run.method.losses(run.batch(0))["classification"].backward()
    for name in PROJECTION:
        assert run.parameters[f"projection.{name}"].grad is None
    assert run.parameters["proj"].grad is not None


@pytest.mark.parametrize("train_head", [False, True])
def test_what_trains(backbone: Backbone, train_head: bool) -> None:
    run = toy.build("tes", backbone, train_head=train_head)
    extra = set(run.parameters) - {name for name, _ in backbone.visual.named_parameters()}
    want = {f"projection.{name}" for name in PROJECTION}
    assert extra == want | ({"class_head.weight", "class_head.bias"} if train_head else set())


def test_the_projection_is_dropped_at_test(backbone: Backbone) -> None:
    run, zero = toy.build("tes", backbone), toy.build("zero_shot", backbone)
    loops.noisy([p for k, p in run.parameters.items() if k.startswith("projection")], seed=5)
    images, _ = toy.pictures(4, seed=0)
    with torch.no_grad():
        for classes in (toy.NAMES, toy.UNSEEN):
            ours, theirs = (
                r.method.logits(r.method.image_features(images), classes) for r in (run, zero)
            )
            assert torch.equal(ours, theirs)


def test_the_projection_is_drawn_from_the_seed(backbone: Backbone) -> None:
    runs = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(runs))  # nothing may depend on the global generator
        runs.append(toy.build("tes", backbone, seed=seed).parameters)
    for name in ("hidden.weight", "output.weight", "output.bias"):
        first, second, other = (run[f"projection.{name}"].detach() for run in runs)
        assert torch.equal(first, second)
        assert not torch.equal(first, other)
        assert float(first.abs().max()) <= 1 / 4


def test_one_image_is_no_batch(backbone: Backbone) -> None:
    toy.build("tes", backbone, batch_per_domain=2)
    with pytest.raises(UserError, match="set batch_per_domain=2"):
        toy.build("tes", backbone, batch_per_domain=1)
    cls = registry.method_class("tes")
    two = Task(toy.NAMES, toy.TEMPLATE, ("art", "sketch"), 1, 0)
    cls(cls.Config(batch_per_domain=1)).build(backbone.fork(), two)


def test_the_recipe() -> None:
    config = registry.method_class("tes").Config().model_dump()
    assert (config["tau"], config["lambda_t"], config["lambda_v"]) == (0.03, 0.4, 0.2)
    finetune = registry.method_class("finetune").Config().model_dump()
    assert {key: config[key] for key in finetune} == finetune
