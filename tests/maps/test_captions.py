from __future__ import annotations

from dataclasses import replace

from harness.maps import captions
from harness.maps.captions import MapSetting
from harness.maps.compute import Tower
from harness.specs import ModelSpec
from tests.report.fakes import spec

ABOUT = MapSetting(spec("a", "noto", 3), "a photo of a {}.", Tower(12, (14, 16), 6), 5, masks=True)


def test_every_caption_names_data_grid_and_backbone() -> None:
    for caption in (captions.attention(ABOUT), captions.similarity(ABOUT)):
        assert "test images of emoji (leave one domain out: noto)" in caption
        assert "14 × 16 patches" in caption
        assert "Backbone tiny-emoji" in caption
        assert "seed 3" in caption
    assert "14 × 16 patches" in captions.share(ABOUT)


def test_blocks_and_the_branch_are_those_of_the_tower() -> None:
    assert "over the first and over the last 5 of 12 blocks" in captions.attention(ABOUT)
    assert "last 6 of 12 blocks" in captions.similarity(ABOUT)
    assert "first 5, last 5, all blocks: mean over these of 12 blocks" in captions.share(ABOUT)
    assert "branches through the last 6 blocks" in captions.localisation(ABOUT)


def test_an_outline_is_explained_only_where_there_is_one() -> None:
    bare = replace(ABOUT, masks=False)
    assert "Outlined: the object." in captions.attention(ABOUT)
    assert "Outlined" not in captions.attention(bare)


def test_the_other_captions_say_what_their_numbers_are() -> None:
    assert "± x over n = 3 seeds. Dashed" in captions.bars(ABOUT, "± x over n = 3 seeds")
    matrix = captions.classes(ModelSpec(name="tiny-emoji"), "emoji", "a {}.", 35.0, 40)
    assert "40 classes of emoji to tiny-emoji's text tower, prompt 'a {}.'" in matrix
    assert "κ = 35." in matrix
