"""Label smoothing and average pooling."""

from __future__ import annotations

import pytest
import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from harness.errors import UserError
from harness.validation import validated
from tests.methods import loops, toy


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_smoothed_loss(backbone: Backbone, smoothing: float) -> None:
    run = toy.build("label_smoothing", backbone, smoothing=smoothing)
    batch = run.batch(0)
    assert batch.images is not None
    text = loops.rows(backbone.text_features(toy.NAMES, toy.TEMPLATE))
    features = loops.rows(backbone.image_features(batch.images))
    logits = [[backbone.logit_scale * loops.dot(f, t) for t in text] for f in features]
    targets = [
        [(1 - smoothing) * q + smoothing / 3 for q in loops.onehot(y, 3)]
        for y in batch.labels.tolist()
    ]
    got = run.method.losses(batch)
    assert list(got) == ["classification"]
    want = loops.cross_entropy(logits, targets)
    assert float(got["classification"].detach()) == pytest.approx(want, rel=1e-4)


def test_without_smoothing_it_is_finetuning(backbone: Backbone) -> None:
    runs = [
        toy.build("label_smoothing", backbone, smoothing=0, steps=3, lr=1e-3),
        toy.build("finetune", backbone, steps=3, lr=1e-3),
    ]
    assert toy.train(runs[0])[0] == toy.train(runs[1])[0]


def test_smoothing_is_gone_at_test_time(backbone: Backbone) -> None:
    images, _ = toy.pictures(4, seed=0)
    a, b = (toy.build(name, backbone).method for name in ("label_smoothing", "zero_shot"))
    with torch.no_grad():
        ours = a.logits(a.image_features(images), toy.UNSEEN)
        assert torch.equal(ours, b.logits(b.image_features(images), toy.UNSEEN))


def test_average_pooling_is_the_mean_of_the_projected_patches(backbone: Backbone) -> None:
    images, _ = toy.pictures(4, seed=0)
    patches = backbone.trace(images, TraceRequest(patches=True)).patches
    assert patches is not None
    got = toy.build("average_pooling", backbone).method.image_features(images)
    for picture, feature in zip(patches, got, strict=True):
        mean = [sum(column) / len(picture) for column in loops.rows(picture.T)]
        assert feature.tolist() == pytest.approx(loops.unit(mean), abs=1e-5)
    assert not torch.allclose(got, backbone.image_features(images), atol=1e-3)


def test_it_trains_with_the_feature_it_is_tested_with(backbone: Backbone) -> None:
    run = toy.build("average_pooling", backbone)
    batch = run.batch(0)
    assert batch.images is not None
    logits = run.method.logits(run.method.image_features(batch.images), toy.NAMES)
    targets = [loops.onehot(y, 3) for y in batch.labels.tolist()]
    want = loops.cross_entropy(loops.rows(logits), targets)
    got = float(run.method.losses(batch)["classification"].detach())
    assert got == pytest.approx(want, rel=1e-4)


def test_a_tower_whose_patches_have_no_feature_is_refused_at_once(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbone.visual, "final_ln_after_pool", True)
    with pytest.raises(UserError, match=r"method 'average_pooling': .* normalises after pooling"):
        toy.build("average_pooling", backbone)


def test_recipes_are_finetunings() -> None:
    finetune = registry.method_class("finetune").Config().model_dump()
    for name, more in (("label_smoothing", {"smoothing": 0.1}), ("average_pooling", {})):
        assert registry.method_class(name).Config().model_dump() == {**finetune, **more}


def test_there_is_one_way_to_say_each() -> None:
    for field in ("pooling", "label_smoothing"):
        with pytest.raises(UserError, match=f"unknown field '{field}'"):
            validated(registry.method_class("finetune").Config, {field: 0.1}, "method 'finetune'")
