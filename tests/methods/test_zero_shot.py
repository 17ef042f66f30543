from __future__ import annotations

import torch

from harness.clip.backbone import Backbone
from tests.methods import toy


def test_zero_shot_trains_nothing_and_is_clip(backbone: Backbone) -> None:
    run = toy.build("zero_shot", backbone)
    assert run.parameters == {}
    images, _ = toy.pictures(4, seed=0)
    with torch.no_grad():
        got = run.method.logits(run.method.image_features(images), toy.NAMES)
        texts = [f"a photo of a {name}." for name in toy.NAMES]
        tokens = backbone.tokenizer(texts, context_length=backbone.context_length)
        want, _ = backbone.model.get_logits(images, tokens)
    torch.testing.assert_close(got, want)
