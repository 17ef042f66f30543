from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from tests.methods import toy


def test_average_pooling_is_the_mean_of_the_projected_patches(backbone: Backbone) -> None:
    images, _ = toy.pictures(4, seed=0)
    run = toy.build("finetune", backbone, pooling="average_patches")
    patches = backbone.trace(images, TraceRequest(patches=True)).patches
    assert patches is not None
    want = torch.stack([sum(p, torch.zeros(16)) / len(p) for p in patches])
    got = run.method.image_features(images)
    torch.testing.assert_close(got, want / want.norm(dim=-1, keepdim=True))
    assert not torch.allclose(got, backbone.image_features(images), atol=1e-3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_finetuning_is_cross_entropy(backbone: Backbone, smoothing: float) -> None:
    run = toy.build("finetune", backbone, label_smoothing=smoothing)
    batch = run.batch(0)
    assert batch.images is not None
    logits = run.method.logits(run.method.image_features(batch.images), toy.NAMES)
    want = F.cross_entropy(logits, batch.labels, label_smoothing=smoothing)
    torch.testing.assert_close(run.method.losses(batch)["classification"], want)


def test_clipood_with_no_margin_is_finetuning(backbone: Backbone) -> None:
    clipood, finetune = toy.build("clipood", backbone, margin=0), toy.build("finetune", backbone)
    a, b = (r.method.losses(r.batch(0))["classification"] for r in (clipood, finetune))
    torch.testing.assert_close(a, b)


def test_clipoods_margin_is_the_codes(backbone: Backbone) -> None:
    run = toy.build("clipood", backbone, margin=0.3)
    batch = run.batch(0)
    assert batch.images is not None
    text = backbone.text_features(toy.NAMES, toy.TEMPLATE)
    shifted = run.method.image_features(batch.images) - 0.3 * text[batch.labels]
    want = F.cross_entropy(backbone.logit_scale * shifted @ text.T, batch.labels)
    torch.testing.assert_close(run.method.losses(batch)["classification"], want)


def test_the_margin_is_gone_at_test_time(backbone: Backbone) -> None:
    images, _ = toy.pictures(4, seed=0)
    logits = []
    for name in ("clipood", "zero_shot"):
        method = toy.build(name, backbone).method
        with torch.no_grad():
            logits.append(method.logits(method.image_features(images), toy.NAMES))
    assert torch.equal(*logits)


def test_the_recipe_is_clipoods() -> None:
    config = registry.method_class("clipood").Config().model_dump()
    want = {
        "margin": 0.3, "beta": 0.5, "steps": 5000, "batch_per_domain": 12, "lr": 5e-6,
        "weight_decay": 0.1, "optimizer": "adamw", "schedule": "cosine", "warmup_steps": 0,
        "crop_scale": (0.7, 1.0), "flip": True, "label_smoothing": 0.0,
    }  # fmt: skip
    assert {key: config[key] for key in want} == want
    assert registry.method_class("clipood").own_selection == "averaged"
    assert registry.method_class("finetune").own_selection == "last"


def test_the_average_takes_its_beta_from_the_configuration(backbone: Backbone) -> None:
    run = toy.build("clipood", backbone, beta=0.1)
    average = run.method.averager(run.parameters, 30)
    assert average is not None
    assert (average.beta, average.steps) == (0.1, 30)
