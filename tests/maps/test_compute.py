"""Maps against slow references written out here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.clip.load import load_backbone
from harness.maps.compute import maps_of, min_max, tower_of
from harness.specs import ModelSpec


def test_attention_is_the_class_tokens_row_of_every_block(random_clip: Path) -> None:
    backbone = load_backbone(ModelSpec(name=f"local-dir:{random_clip}"), "cpu")
    tower = tower_of(backbone)
    assert (tower.blocks, tower.grid, tower.depth) == (3, (2, 2), 3)
    images = torch.randn(2, 3, 16, 16)
    text = torch.nn.functional.normalize(torch.randn(2, 16), dim=-1)
    found = maps_of(backbone, images, text)
    with torch.no_grad():
        x = backbone.visual._embeds(images)
        for index, block in enumerate(backbone.visual.transformer.resblocks):
            normed = block.ln_1(x)
            _, weights = block.attn(normed, normed, normed, need_weights=True)
            for image in range(2):
                row = weights[image, 0, 1:]
                assert torch.allclose(found.attention[image, index], row / row.sum(), atol=1e-6)
            x = block(x)
        patches = backbone.visual.ln_post(x)[:, 1:] @ backbone.visual.proj
        for image in range(2):
            for patch in range(4):
                one = patches[image, patch]
                cosine = one @ text[image] / one.norm()
                assert float(found.similarity["plain"][image, patch]) == pytest.approx(
                    float(cosine), abs=1e-6
                )
    assert set(found.similarity) == {"plain", "v-v-v", "d-v"}


def test_a_constant_map_is_zero_and_not_nan() -> None:
    assert min_max(torch.full((1, 4), 0.3)).tolist() == [[0.0] * 4]
