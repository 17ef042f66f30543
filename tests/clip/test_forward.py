"""The traced forward pass against open_clip's own output and against full attention matrices."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.testing import assert_close

from harness.clip.forward import ImageTrace, TraceRequest, trace
from harness.errors import UserError
from tests.clip import models
from tests.clip.sums import FIELDS, STRUCTURES, gradients, total

EVERYTHING = TraceRequest(attention_layers=3, patches=True, branch="d-v", branch_depth=2)


@pytest.mark.parametrize(
    "vision",
    [
        {},
        {"ls_init_value": 0.4},
        {"no_ln_pre": True},
        {"patch_dropout": 0.5},
        {"pos_embed_type": "sin_cos_2d"},
        {"qk_norm": True},
        {"scale_heads": True, "scale_attn_inner": True, "scale_attn": True, "scale_fc": True},
        {"output_tokens": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("quick", [False, True])
def test_pooled_equals_open_clips_own(vision: dict[str, Any], quick: bool) -> None:
    visual = models.clip(vision=vision, quick_gelu=quick).visual
    own = visual(models.images())
    own = own[0] if isinstance(own, tuple) else own
    assert_close(trace(visual, models.images(), EVERYTHING).pooled, own, atol=1e-5, rtol=1e-5)
    assert_close(trace(visual, models.images(), TraceRequest()).pooled, own)


@pytest.mark.parametrize(
    ("vision", "request_"),
    [
        ({"pool_type": "avg"}, TraceRequest(patches=True, branch="d-v", branch_depth=2)),
        ({"final_ln_after_pool": True}, TraceRequest(attention_layers=2)),
    ],
    ids=["avg", "final_ln_after_pool"],
)
def test_pooled_with_other_poolings(vision: dict[str, Any], request_: TraceRequest) -> None:
    visual = models.clip(vision=vision).visual
    assert_close(
        trace(visual, models.images(), request_).pooled, visual(models.images()),
        atol=1e-5, rtol=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("depth", [1, 3, 4])
def test_vit_equals_full_matrices(structure: Any, depth: int) -> None:
    visual = models.clip().double().visual
    pixels = models.images(dtype=torch.float64)
    request = TraceRequest(4, patches=True, branch=structure, branch_depth=depth)
    found, expected = (
        trace(visual, pixels, request),
        models.slow_trace(visual, pixels, structure, depth),
    )
    assert found.attention is not None
    assert found.attention.shape == (3, 4, 9)
    for name in FIELDS:
        assert_close(getattr(found, name), expected[name], atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_vit_gradient_equals_full_matrices(structure: Any) -> None:
    visual = models.clip().double().visual
    pixels = models.images(dtype=torch.float64)
    request = TraceRequest(4, patches=True, branch=structure, branch_depth=2)
    found = gradients(visual, total(trace(visual, pixels, request)))
    expected = gradients(visual, total(models.slow_trace(visual, pixels, structure, 2)))
    for name, value in expected.items():
        assert_close(found[name], value, atol=1e-9, rtol=1e-9)
        assert value.abs().sum() > 0, name


def test_branch_adds_the_values_of_a_scaled_block() -> None:
    """Layer scale and the norm after attention belong to what a block adds, branch or not."""
    visual = models.clip(vision={"ls_init_value": 0.4, "scale_attn": True}).double().visual
    pixels = models.images(dtype=torch.float64)
    found = trace(visual, pixels, TraceRequest(branch="d-v", branch_depth=1)).branch
    x = visual._embeds(pixels)
    for block in visual.transformer.resblocks[:-1]:
        x = block(x)
    block = visual.transformer.resblocks[-1]
    v = block.ln_1(x) @ block.attn.in_proj_weight[64:].T + block.attn.in_proj_bias[64:]
    x = x + block.ls_1(block.ln_attn(block.attn.out_proj(v)))
    assert_close(found, (visual.ln_post(x) @ visual.proj)[:, 1:], atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("make", [models.clip, models.resnet])
def test_what_is_not_asked_for_is_none(make: Any) -> None:
    visual = make().visual
    pixels = models.images(visual.image_size if isinstance(visual.image_size, int) else 24)
    alone = {
        "attention": TraceRequest(attention_layers=1),
        "patches": TraceRequest(patches=True),
        "branch": TraceRequest(branch="d-v", branch_depth=1),
        "nothing": TraceRequest(),
    }
    for asked, request in alone.items():
        found = trace(visual, pixels, request)
        given = {name for name in FIELDS[1:] if getattr(found, name) is not None}
        assert given == {asked} - {"nothing"}


def test_what_is_not_asked_for_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("computed though not asked for")

    visual = models.clip().visual
    monkeypatch.setattr("harness.clip.forward.class_rows", fail)
    trace(visual, models.images(), TraceRequest(patches=True, branch="q-q", branch_depth=1))
    monkeypatch.undo()
    monkeypatch.setattr("harness.clip.forward.branch_heads", fail)
    trace(visual, models.images(), TraceRequest(attention_layers=4, patches=True))


def test_attention_of_chosen_blocks_in_the_order_given() -> None:
    visual = models.clip().visual
    every = trace(visual, models.images(), TraceRequest(4)).attention
    some = trace(visual, models.images(), TraceRequest((3, 1))).attention
    assert every is not None
    assert_close(some, every[:, [3, 1]])


def test_rows_keep_the_class_tokens_share_out() -> None:
    rows = trace(models.clip().visual, models.images(), TraceRequest(4)).attention
    assert rows is not None
    sums = rows.sum(dim=-1)
    assert (sums < 1).all()
    assert (rows > 0).all()


def test_everything_is_float32_under_autocast() -> None:
    model = models.clip()
    exact = trace(model.visual, models.images(), EVERYTHING)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = trace(model.visual, models.images(), EVERYTHING)
        native = model.encode_image(models.images())
    assert native.dtype == torch.bfloat16  # so the tower did run in half precision
    for name in FIELDS:
        value, reference = getattr(found, name), getattr(exact, name)
        assert value.dtype == torch.float32
        assert_close(value, reference, atol=0.15 * float(reference.detach().std()), rtol=0.1)
    assert not torch.equal(found.pooled, exact.pooled)


@pytest.mark.parametrize(
    ("vision", "request_", "message"),
    [
        ({}, TraceRequest(5), r"attention of block 5 .* M has 4 attention blocks; ask for 4"),
        ({}, TraceRequest((0, -1)), "M has 4 attention blocks"),
        ({}, TraceRequest(branch="d-v"), r"depth 6 .* M has 4 attention blocks; ask for 1 to 4"),
        ({}, TraceRequest(branch="d-v", branch_depth=0), "depth 0 .* ask for 1 to 4"),
        (models.RESNET, TraceRequest(2), "M has 1 attention block; ask for 1"),
        (models.RESNET, TraceRequest(branch="d-v", branch_depth=2), "M has 1 attention block;"),
        ({"pool_type": "avg"}, TraceRequest(1), r"M pools by average.* ViT-B-16"),
        ({"final_ln_after_pool": True}, TraceRequest(patches=True), "M normalises after pooling"),
        ({"final_ln_after_pool": True}, TraceRequest(branch="d-v", branch_depth=1), "M normalises"),
        ({"attentional_pool": True, "attn_pooler_heads": 2}, TraceRequest(1), "M pools by atten"),
        ({"scaled_cosine_attn": True}, TraceRequest(1), "M uses scaled cosine attention"),
    ],
    ids=str,
)
def test_refusals_name_the_model_and_the_fix(
    vision: dict[str, Any], request_: TraceRequest, message: str
) -> None:
    visual = models.clip(vision=vision).visual
    with pytest.raises(UserError, match=message):
        trace(visual, models.images(64), request_, "M")


def test_foreign_tower_gives_its_pooled_feature_only() -> None:
    visual = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 24 * 24, 16))
    assert isinstance(trace(visual, models.images(), TraceRequest()), ImageTrace)
    with pytest.raises(UserError, match="M: no attention or patch features in a Sequential"):
        trace(visual, models.images(), TraceRequest(1), "M")
