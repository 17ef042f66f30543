"""Prompted forward passes over the variants of towers, against open_clip's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.testing import assert_close

from harness.clip.openclip import open_clip
from harness.clip.prompted import check_prompted, prompted_image_features
from harness.clip.text import TextTower
from harness.errors import UserError
from tests.clip import models

VARIANTS = [
    {},
    {"ls_init_value": 0.4},
    {"no_ln_pre": True},
    {"patch_dropout": 0.5},
    {"qk_norm": True},
    {"scale_heads": True, "scale_attn_inner": True, "scale_attn": True, "scale_fc": True},
    {"pool_type": "avg"},
    {"final_ln_after_pool": True},
    {"attentional_pool": True},
    {"output_tokens": True},
]


@pytest.mark.parametrize("vision", VARIANTS, ids=str)
def test_no_prompts_are_open_clips_own_pass(vision: dict[str, Any]) -> None:
    visual = models.clip(vision=vision).visual
    own = visual(models.images())
    own = own[0] if isinstance(own, tuple) else own
    got = prompted_image_features(visual, models.images(), [torch.zeros(0, 32)] * 3)
    assert_close(got, own, atol=1e-5, rtol=1e-5)


def test_what_a_prompt_became_is_dropped_where_the_next_comes_in() -> None:
    """With as many prompts as blocks, each is seen by its own block alone."""
    visual = models.clip().visual
    prompts = [torch.randn(2, 32) for _ in range(4)]
    seen: list[torch.Tensor] = []
    hooks = [
        block.register_forward_pre_hook(lambda module, args: seen.append(args[0][0, -2:]))
        for block in visual.transformer.resblocks
    ]
    prompted_image_features(visual, models.images(), prompts)
    for hook in hooks:
        hook.remove()
    assert_close(seen, [visual.ln_pre(prompts[0]), *prompts[1:]])


@pytest.mark.parametrize("custom", [False, True])
def test_deep_text_tokens_replace_those_behind_the_start(custom: bool) -> None:
    model = models.clip(custom=custom)
    tower = TextTower(model, open_clip.SimpleTokenizer(context_length=12))
    assert tower.blocks == 2
    tokens = tower.tokenize(["a photo of a dog.", "a sketch"])
    embedded, eot = tower.embed_tokens(tokens), tower.eot(tokens)
    seen: list[torch.Tensor] = []
    second = (model.text if custom else model).transformer.resblocks[1]
    hook = second.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    deep = torch.randn(2, 16)
    plain = tower.encode_embeddings(embedded, eot)
    changed = tower.encode_embeddings(embedded, eot, [deep])
    hook.remove()
    assert (changed - plain).abs().amax(dim=1).min() > 1e-3
    before, after = seen
    assert_close(after[:, 1:3], deep.expand(2, -1, -1))
    assert_close(after[:, :1], before[:, :1])
    assert_close(after[:, 3:], before[:, 3:])


def test_prompts_under_autocast_are_near_those_in_full_precision() -> None:
    visual = models.clip().visual
    prompts = [torch.randn(2, 32) for _ in range(3)]
    full = prompted_image_features(visual, models.images(), prompts)
    with torch.autocast("cpu", torch.bfloat16):
        half = prompted_image_features(visual, models.images(), prompts)
    assert half.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(half, full).min() > 0.99


@pytest.mark.parametrize(
    ("visual", "message"),
    [
        (models.resnet().visual, "m: a ModifiedResNet image tower takes no prompts; use"),
        (torch.nn.Linear(2, 2), "m: a Linear image tower takes no prompts; use"),
        (models.clip().visual, "depth=3: m has 4 image and 2 text blocks; set depth to 2 or less"),
    ],
)
def test_what_cannot_be_prompted(visual: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_prompted(visual, 2, 3, "m")
