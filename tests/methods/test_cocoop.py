from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from harness import registry
from harness.clip.backbone import Backbone
from harness.errors import UserError
from harness.method import Batch
from harness.training import prompts
from tests.methods import slow, toy

EXACT = {"atol": 1e-9, "rtol": 1e-9}


def features(count: int = 5) -> Tensor:
    draw = torch.randn(count, 16, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.normalize(draw, dim=-1)


def slow_logits(run: toy.Run, rows: Tensor, names: tuple[str, ...]) -> Tensor:
    """Encode every class for every image on its own, the whole context length of it."""
    p, model, logits = run.parameters, run.backbone.model, []
    context = p["context"]
    for f in rows:
        hidden = (p["meta_net.0.weight"] @ f + p["meta_net.0.bias"]).clamp_min(0)
        shift = p["meta_net.2.weight"] @ hidden + p["meta_net.2.bias"]
        for name in names:
            words = " ".join(["X"] * len(context))
            (tokens,) = run.backbone.tokenizer([f"{words} {name.replace('_', ' ')}."], 24)

            def place(layer: int, x: Tensor, shift: Tensor = shift) -> Tensor:
                vectors = [v + shift for v in context] if layer == -1 else []
                return torch.cat([x[:1], *(v[None] for v in vectors), x[1 + len(vectors) :]])

            logits.append(run.backbone.logit_scale * (f @ slow.text(model, tokens, place)))
    return torch.stack(logits).view(len(rows), len(names))


@pytest.mark.parametrize(("n_ctx", "at_once"), [(4, 1000), (4, 4), (1, 1)])
def test_loss_and_gradients_are_the_slow_references(
    backbone: Backbone, n_ctx: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "PROMPTS_AT_ONCE", at_once)
    words = "a photo of a" if n_ctx == 4 else ""
    run = slow.build("cocoop", slow.noisy(backbone), n_ctx=n_ctx, ctx_init=words)
    rows, labels = features(3).double(), torch.tensor([2, 0, 1])
    batch = Batch(labels, torch.zeros_like(labels), 0, features=rows)
    want = slow.cross_entropy(slow_logits(run, rows, toy.NAMES), labels)
    got = run.method.losses(batch)["classification"]
    assert_close(got, want, **EXACT)
    assert_close(slow.gradients(run, got), slow.gradients(run, want), **EXACT)


def test_unseen_classes_against_the_slow_reference(backbone: Backbone) -> None:
    run = slow.build("cocoop", slow.noisy(backbone))
    with torch.no_grad():
        for classes in (toy.UNSEEN, (*toy.NAMES, *toy.UNSEEN)):
            got = run.method.logits(features(3).double(), classes)
            assert_close(got, slow_logits(run, features(3).double(), classes), **EXACT)


def test_an_image_is_classified_whatever_its_neighbours(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = toy.build("cocoop", backbone)
    together = run.method.logits(features(), toy.NAMES)
    monkeypatch.setattr(prompts, "PROMPTS_AT_ONCE", 2)
    alone = torch.cat([run.method.logits(f[None], toy.NAMES) for f in features()])
    assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_without_the_meta_net_it_begins_as_zero_shot(backbone: Backbone) -> None:
    run = toy.build("cocoop", backbone)
    want = backbone.logit_scale * features() @ backbone.text_features(toy.NAMES, toy.TEMPLATE).T
    shifted = run.method.logits(features(), toy.NAMES)
    assert not torch.allclose(shifted, want, atol=1e-2)
    run.parameters["meta_net.2.weight"].data.zero_()
    run.parameters["meta_net.2.bias"].data.zero_()
    assert_close(run.method.logits(features(), toy.NAMES), want, atol=1e-5, rtol=1e-5)


def test_context_and_meta_net_train_and_nothing_else(backbone: Backbone) -> None:
    run = toy.build("cocoop", backbone)
    assert {k: tuple(p.shape) for k, p in run.parameters.items()} == {
        "context": (4, 16),
        "meta_net.0.weight": (8, 16), "meta_net.0.bias": (8,),
        "meta_net.2.weight": (16, 8), "meta_net.2.bias": (16,),
    }  # fmt: skip
    run.method.losses(run.batch(0))["classification"].backward()
    assert all(p.grad is None for p in run.backbone.model.parameters())


def test_initial_values_are_drawn_from_the_seed_alone(backbone: Backbone) -> None:
    runs = []
    for seed, other in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(other)
        runs.append(toy.build("cocoop", backbone, seed=seed, ctx_init="").parameters)
    for key, value in runs[0].items():
        assert torch.equal(value, runs[1][key])
        assert not torch.equal(value, runs[2][key])
    bound = float(runs[0]["meta_net.2.weight"].detach().abs().max())
    assert 0.9 * 8**-0.5 < bound <= 8**-0.5


def test_learns_with_its_own_learning_rate(tuned: Backbone) -> None:
    run = toy.build("cocoop", tuned, steps=150)
    start = run.accuracy()
    totals, _ = toy.train(run)
    assert sum(totals[-10:]) < 0.7 * sum(totals[:10])
    assert run.accuracy() > max(0.9, start)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reduction": 17}, "'cocoop': reduction=17 leaves nothing of the 16 .* set reduction to"),
        ({"n_ctx": 3}, "'cocoop': n_ctx is 3 but ctx_init='a photo of a' has 4 tokens; set n_ctx"),
        ({"n_ctx": 20, "ctx_init": ""}, "25 tokens with n_ctx=20, .*set n_ctx to 19 or less"),
    ],
)
def test_what_fits_no_tower(backbone: Backbone, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        toy.build("cocoop", backbone, **wrong)
    assert "\n" not in str(error.value)


def test_the_recipe_is_the_authors() -> None:
    cls = registry.method_class("cocoop")
    config = cls.Config().model_dump()
    want = {
        "n_ctx": 4, "ctx_init": "a photo of a", "reduction": 16, "optimizer": "sgd", "lr": 2e-3,
        "momentum": 0.9, "weight_decay": 5e-4, "schedule": "cosine", "steps": 5000,
        "warmup_steps": 500, "warmup_lr": 1e-5, "batch_per_domain": 1, "crop_scale": (0.08, 1.0),
        "crop_interpolation": "bicubic", "flip": True,
    }  # fmt: skip
    assert {key: config[key] for key in want} == want
    for given, warmup in (({"steps": 70}, 7), ({"steps": 70, "warmup_steps": 3}, 3)):
        assert cls.Config.model_validate(given).model_dump()["warmup_steps"] == warmup
