"""Prompts with free context vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.clip.backbone import Backbone
from harness.clip.load import load_backbone
from harness.specs import ModelSpec
from harness.training.prompts import context_prompts, embed_words
from tests.methods.toy import ODD


@pytest.fixture(scope="module")
def backbone(random_clip: Path) -> Backbone:
    return load_backbone(ModelSpec(name=f"local-dir:{random_clip}"), "cpu")


@pytest.mark.parametrize(
    ("position", "template"),
    [("end", "a photo of a {}."), ("middle", "a photo {} of a."), ("front", "{} a photo of a.")],
)
def test_where_the_class_name_stands(backbone: Backbone, position: Any, template: str) -> None:
    tower = backbone.text_tower
    prompts = context_prompts(tower, ODD, 4, position)
    got = prompts.encode(embed_words(tower, "a photo of a"))
    torch.testing.assert_close(got, backbone.text_features(ODD, template), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_ctx", [1, 3, 16])
def test_an_odd_context_is_split_before_the_middle(backbone: Backbone, n_ctx: int) -> None:
    order = context_prompts(backbone.text_tower, ("red dog",), n_ctx, "middle").order[0].tolist()
    half = n_ctx // 2
    assert order[: 1 + half] == list(range(1 + half))
    assert order[1 + half : 3 + half] == [1 + n_ctx, 2 + n_ctx]
    assert sorted(order) == list(range(backbone.context_length))
