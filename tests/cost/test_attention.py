"""The forms of one block's attention product, counted by formulas written out here."""

from __future__ import annotations

import torch

from harness.clip.backbone import Backbone, Preprocess
from harness.cost.attention import attention_products
from harness.specs import ModelSpec
from tests.clip import models


def test_every_form_is_counted_and_timed_in_every_round(backbone: Backbone) -> None:
    products = attention_products(backbone, batch=2, rounds=3)
    assert products is not None
    visual = backbone.visual
    assert products.tokens == visual.positional_embedding.shape[0]
    assert products.blocks == len(visual.transformer.resblocks)
    flops = {row.label: row.flops for row in products.rows}
    n, d = products.tokens, products.width
    assert flops["d-v"] == 0
    # patches attend to all tokens; then values are mixed: two products, 2 per multiply-add
    assert flops["v-v-v"] == 2 * 2 * (n - 1) * n * d
    assert flops["whole attention matrix"] == 2 * n * n * d
    assert flops["class token's row of the attention"] == 2 * n * d
    assert flops["output projection of a branch"] == 2 * (n - 1) * d * d
    assert all(len(row.ms) == 3 for row in products.rows)


def test_a_tower_without_attention_blocks_has_none() -> None:
    preprocess = Preprocess(64, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest")
    resnet = Backbone(
        models.resnet(), None, ModelSpec(name="RN50"), preprocess, torch.device("cpu"), ""
    )
    assert attention_products(resnet, 2, 1) is None
