from __future__ import annotations

import pytest
import torch

from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from harness.errors import UserError
from tests.methods import loops, toy


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
