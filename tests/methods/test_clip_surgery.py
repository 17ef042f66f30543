from __future__ import annotations

from typing import Any

import pytest
import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from harness.clip.load import load_backbone
from harness.errors import UserError
from harness.specs import ModelSpec
from tests.methods import loops, toy

IMAGES, _ = toy.pictures(3, seed=0)


def mean_of_units(patches: torch.Tensor) -> list[float]:
    units = [loops.unit(patch) for patch in loops.rows(patches)]
    return [sum(column) / len(units) for column in zip(*units, strict=True)]


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("structure", ["v-v-v", "q-q", "k-k", "d-v"])
@torch.no_grad()
def test_the_feature_is_the_mean_of_the_paths_patches(
    backbone: Backbone, structure: Any, depth: int
) -> None:
    run = toy.build("clip_surgery", backbone, structure=structure, depth=depth)
    assert run.parameters == {}
    request = TraceRequest(branch=structure, branch_depth=depth)
    branch = backbone.trace(IMAGES, request).branch
    assert branch is not None
    for patches, feature in zip(branch, run.method.image_features(IMAGES), strict=True):
        assert feature.tolist() == pytest.approx(loops.unit(mean_of_units(patches)), abs=1e-5)


@torch.no_grad()
def test_the_structures_differ_and_none_is_the_class_token(backbone: Backbone) -> None:
    found = [
        toy.build("clip_surgery", backbone, structure=structure).method.image_features(IMAGES)
        for structure in ("v-v-v", "q-q", "k-k", "d-v")
    ]
    found.append(backbone.image_features(IMAGES))
    for i, a in enumerate(found):
        assert all(not torch.allclose(a, b, atol=1e-4) for b in found[:i])


@pytest.mark.parametrize("classes", [toy.NAMES, toy.UNSEEN, (*toy.NAMES, *toy.UNSEEN)])
@torch.no_grad()
def test_feature_surgery(backbone: Backbone, classes: tuple[str, ...]) -> None:
    """Element-wise products, weighed, less what all classes share; then the mean over patches."""
    run = toy.build("clip_surgery", backbone, feature_surgery=True, structure="v-v-v", depth=2)
    got = run.method.logits(run.method.image_features(IMAGES), classes)
    text = loops.rows(backbone.text_features(classes, toy.TEMPLATE))
    tokens = loops.rows(backbone.image_features(IMAGES))
    branch = backbone.trace(IMAGES, TraceRequest(branch="v-v-v", branch_depth=2)).branch
    assert branch is not None
    for image, patches in enumerate(branch):
        shares = loops.softmax([2 * loops.dot(tokens[image], t) for t in text])
        weights = [share / (sum(shares) / len(shares)) for share in shares]
        scores = [0.0] * len(classes)
        for patch in loops.rows(patches):
            products = [
                [f * x * w for f, x in zip(loops.unit(patch), t, strict=True)]
                for t, w in zip(text, weights, strict=True)
            ]
            shared = [sum(column) / len(products) for column in zip(*products, strict=True)]
            for c, product in enumerate(products):
                scores[c] += (sum(product) - sum(shared)) / len(patches)
        mean = mean_of_units(patches)
        length = loops.dot(mean, mean) ** 0.5
        want = [backbone.logit_scale * score / length for score in scores]
        assert got[image].tolist() == pytest.approx(want, abs=1e-3)


@torch.no_grad()
def test_with_feature_surgery_a_class_depends_on_its_neighbours(backbone: Backbone) -> None:
    method = toy.build("clip_surgery", backbone, feature_surgery=True).method
    features = method.image_features(IMAGES)
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(3))
    few, many = (method.logits(features, names) for names in (toy.NAMES[:2], toy.NAMES))
    assert not torch.allclose(few, many[:, :2], atol=1e-3)


def test_a_tower_with_fewer_blocks_is_refused_at_once(backbone: Backbone) -> None:
    with pytest.raises(UserError, match=r"'clip_surgery'.*depth=6.*3 attention blocks; ask for 1"):
        toy.build("clip_surgery", backbone, depth=6)


def test_the_embedded_model_has_the_authors_depth() -> None:
    config = registry.method_class("clip_surgery").Config()
    assert config.model_dump() == {"structure": "v-v-v", "depth": 6, "feature_surgery": False}
    toy.build("clip_surgery", load_backbone(ModelSpec(name="tiny-emoji"), "cpu"), depth=6)
