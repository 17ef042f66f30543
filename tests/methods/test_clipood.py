from __future__ import annotations

import torch
import torch.nn.functional as F

from harness import registry
from harness.clip.backbone import Backbone
from tests.methods import toy


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
    state = average.state_dict()
    assert (state["beta"], state["steps"]) == (0.1, 30)
