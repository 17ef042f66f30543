from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from harness import registry
from harness.clip.backbone import Backbone
from harness.errors import UserError
from harness.method import Batch
from tests.clip import models
from tests.methods import slow, toy

EXACT = {"atol": 1e-9, "rtol": 1e-9}


def slow_logits(run: toy.Run, images: Tensor, names: tuple[str, ...], words: str) -> Tensor:
    """Run both towers one image and one class at a time, the whole context length of it."""
    p, model, depth = run.parameters, run.backbone.model, run.method.config.depth
    vectors = [p[f"prompt.{i}"] for i in range(depth)]
    prompts = [v @ p[f"coupling.{i}.weight"].T + p[f"coupling.{i}.bias"]
               for i, v in enumerate(vectors)]  # fmt: skip

    def place(layer: int, x: Tensor) -> Tensor:
        index = {-1: 0}.get(layer, layer if layer > 0 else None)
        if index is None or index >= depth:
            return x
        return torch.cat([x[:1], vectors[index], x[1 + len(vectors[index]) :]])

    texts = []
    for name in names:
        (tokens,) = run.backbone.tokenizer([f"{words} {name.replace('_', ' ')}."], 24)
        texts.append(slow.text(model, tokens, place))
    features = [slow.image(model.visual, pixels, prompts) for pixels in images]
    rows = [torch.stack([f @ t for t in texts]) for f in features]
    return run.backbone.logit_scale * torch.stack(rows)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"depth": 2}, "a photo of a"),
        ({"depth": 1}, "a photo of a"),
        ({"depth": 2, "n_ctx": 4}, "a photo of a"),
        ({"depth": 2, "n_ctx": 1, "ctx_init": "a_sketch"}, "a sketch"),
        ({"depth": 2, "n_ctx": 3, "ctx_init": ""}, "X X X"),
    ],
)
def test_loss_and_gradients_are_the_slow_references(
    backbone: Backbone, config: dict[str, Any], words: str
) -> None:
    run = slow.build("maple", slow.noisy(backbone), **config)
    images, labels = toy.pictures(3, seed=0)
    batch = Batch(labels, torch.zeros_like(labels), 0, images=images.double())
    want = slow.cross_entropy(slow_logits(run, images.double(), toy.NAMES, words), labels)
    got = run.method.losses(batch)["classification"]
    assert_close(got, want, **EXACT)
    assert_close(slow.gradients(run, got), slow.gradients(run, want), **EXACT)


def test_unseen_classes_against_the_slow_reference(backbone: Backbone) -> None:
    run = slow.build("maple", slow.noisy(backbone))
    images = toy.pictures(2, seed=0)[0].double()
    with torch.no_grad():
        got = run.method.logits(run.method.image_features(images), toy.UNSEEN)
        assert_close(got, slow_logits(run, images, toy.UNSEEN, "a photo of a"), **EXACT)


def test_begins_with_the_words_and_copies_of_one_deep_coupling(backbone: Backbone) -> None:
    tower = replace(backbone, model=models.clip(text={"context_length": 24, "layers": 4}))
    run = toy.build("maple", tower, depth=4)
    tokens = backbone.tokenizer(["a photo of a"], 24)[0, 1:3]
    p = run.parameters
    assert torch.equal(p["prompt.0"], run.backbone.model.token_embedding.weight[tokens])
    deep = torch.stack([p[f"prompt.{i}"] for i in (1, 2, 3)])
    assert float(deep.detach().std()) == pytest.approx(0.02, rel=0.2)
    assert not torch.equal(deep[0], deep[1])
    weights = [p[f"coupling.{i}.weight"] for i in range(4)]
    assert torch.equal(weights[1], weights[2])
    assert torch.equal(weights[1], weights[3])
    assert not torch.equal(weights[0], weights[1])
    assert weights[1] is not weights[2]


def test_prompts_and_couplings_train_and_nothing_else(backbone: Backbone) -> None:
    run = toy.build("maple", backbone)
    shapes = {"prompt.{}": (2, 16), "coupling.{}.weight": (32, 16), "coupling.{}.bias": (32,)}
    want = {key.format(i): shape for key, shape in shapes.items() for i in range(2)}
    assert {k: tuple(p.shape) for k, p in run.parameters.items()} == want
    run.method.losses(run.batch(0))["classification"].backward()
    assert all(p.grad is None for p in run.backbone.model.parameters())


def test_initial_values_are_drawn_from_the_seed_alone(backbone: Backbone) -> None:
    runs = []
    for seed, other in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(other)
        runs.append(toy.build("maple", backbone, seed=seed, ctx_init="").parameters)
    for key, value in runs[0].items():
        assert torch.equal(value, runs[1][key])
        assert not torch.equal(value, runs[2][key])


@pytest.mark.parametrize("key", ["prompt.0", "prompt.1"])
def test_texts_follow_the_prompts_between_two_tests(backbone: Backbone, key: str) -> None:
    run = toy.build("maple", backbone)
    features = torch.eye(16)[:3]
    first = run.method.logits(features, toy.UNSEEN)
    assert not first.requires_grad
    own = run.parameters[key].detach().clone()
    run.parameters[key].data.add_(torch.randn(own.shape))
    assert not torch.allclose(run.method.logits(features, toy.UNSEEN), first)
    run.parameters[key].data.copy_(own)
    assert torch.equal(run.method.logits(features, toy.UNSEEN), first)


@pytest.mark.parametrize("config", [{}, {"depth": 1}])
def test_learns_with_its_own_learning_rate(config: dict[str, Any], tuned: Backbone) -> None:
    # Random, since with the words of the prompts that the tower was tuned to it begins solved.
    run = toy.build("maple", tuned, steps=150, ctx_init="", **config)
    start = run.accuracy()
    totals, _ = toy.train(run)
    assert sum(totals[-10:]) < 0.7 * sum(totals[:10])
    assert run.accuracy() > max(0.9, start)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"depth": 3}, "'maple': depth=3: .* 3 image and 2 text blocks; set depth to 2 or less"),
        ({"depth": 9}, "'maple': depth=9: .*; set depth to 2 or less"),
        ({"n_ctx": 5}, "'maple': n_ctx=5 .* the 4 tokens of ctx_init='a photo of a'; set n_ctx to"),
        ({"ctx_init": "", "n_ctx": 20}, "n_ctx=20.*; set n_ctx to 19 or less"),
    ],
)
def test_what_fits_no_tower(backbone: Backbone, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        toy.build("maple", backbone, **wrong)
    assert "\n" not in str(error.value)


def test_a_resnet_takes_no_prompts(backbone: Backbone) -> None:
    resnet = replace(backbone, model=models.resnet())
    message = "'maple': .*random-clip.*: a ModifiedResNet image tower takes no prompts; use .*ViT"
    with pytest.raises(UserError, match=message) as error:
        toy.build("maple", resnet)
    assert "\n" not in str(error.value)


def test_the_recipe_is_the_authors() -> None:
    cls = registry.method_class("maple")
    config = cls.Config().model_dump()
    want = {
        "n_ctx": 2, "ctx_init": "a photo of a", "depth": 9, "optimizer": "sgd", "lr": 3.5e-3,
        "momentum": 0.9, "weight_decay": 5e-4, "schedule": "cosine", "steps": 5000,
        "warmup_steps": 1000, "warmup_lr": 1e-5, "batch_per_domain": 1, "crop_scale": (0.08, 1.0),
        "crop_interpolation": "bicubic", "flip": True,
    }  # fmt: skip
    assert {key: config[key] for key in want} == want
    given = {"epochs": 5, "batch_size": 4}  # the authors count so; a plan makes steps of it
    assert cls.Config.model_validate(cls.presets["base_to_new"]) == cls.Config(**given)


@pytest.mark.parametrize(
    ("given", "warmup"),
    [
        ({"steps": 100}, 20),
        ({"steps": 100, "warmup_steps": 7}, 7),
        ({"depth": 3, "lr": 2.6e-3, "steps": 2000}, 400),
    ],
)
def test_the_first_epoch_is_warm_up_unless_given(given: dict[str, Any], warmup: int) -> None:
    config = registry.method_class("maple").Config.model_validate(given)
    assert config.model_dump()["warmup_steps"] == warmup
    assert type(config).model_validate(config.model_dump()) == config
