"""Counts against formulas written out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from harness.clip.attention import Branch
from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from harness.cost.flops import count_flops
from harness.cost.record import Candidate, CostSetting
from harness.cost.subject import Subject

# conftest.make_model: image 16, patch 8, three blocks
PATCH, PATCHES, TOKENS, WIDTH, HEADS, BLOCKS, EMBED = 8, 4, 5, 32, 2, 3, 16
EMBEDDING = 2 * PATCHES * 3 * PATCH**2 * WIDTH
LINEAR = 2 * TOKENS * WIDTH * (3 * WIDTH + WIDTH + 4 * WIDTH + 4 * WIDTH)
ATTENTION = 2 * (2 * HEADS * TOKENS * TOKENS * (WIDTH // HEADS))
PROJECTION = 2 * WIDTH * EMBED
FORWARD = EMBEDDING + BLOCKS * (LINEAR + ATTENTION) + PROJECTION


def counted(backbone: Backbone, request: TraceRequest, images: int = 1) -> int:
    batch = torch.randn(images, 3, 16, 16)
    flops, unknown = count_flops(lambda: backbone.trace(batch, request))
    assert unknown == ()
    return flops


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("images", [1, 3])
def test_a_forward_pass_costs_what_the_formula_says(
    backbone: Backbone, images: int, grad: bool
) -> None:
    own = backbone.fork()
    own.visual.requires_grad_(grad)
    with torch.set_grad_enabled(grad):
        assert counted(own, TraceRequest(), images) == images * FORWARD


def test_the_traced_forward_pass_costs_its_patches_and_rows_more(backbone: Backbone) -> None:
    patches = counted(backbone, TraceRequest(patches=True))
    assert patches == FORWARD + 2 * PATCHES * WIDTH * EMBED
    rows = counted(backbone, TraceRequest(attention_layers=2))
    assert rows == FORWARD + 2 * (2 * HEADS * TOKENS * (WIDTH // HEADS))


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("branch", ["d-v", "v-v-v", "q-q", "k-k"])
def test_a_branch_costs_what_the_formula_says(
    backbone: Backbone, branch: Branch, depth: int
) -> None:
    projections = depth * 2 * PATCHES * WIDTH * WIDTH + 2 * PATCHES * WIDTH * EMBED
    product = 0 if branch == "d-v" else depth * 4 * HEADS * PATCHES * TOKENS * (WIDTH // HEADS)
    request = TraceRequest(branch=branch, branch_depth=depth)
    assert counted(backbone, request) - FORWARD == projections + product


def test_a_training_step_of_fine_tuning_costs_what_the_formula_says(
    backbone: Backbone, random_clip: Path
) -> None:
    batch, classes = 4, 7
    setting = CostSetting(model=backbone.spec, batch=batch, classes=classes)
    config = {"steps": 100}
    subject = Subject(Candidate(label="f", method="finetune", config=config), setting, backbone)
    # Every product needs two more backwards: for its input and its weights. Not so the images and
    # the frozen text. Fused attention recomputes its scores: five products for two.
    twice_more = 3 * (BLOCKS * LINEAR + PROJECTION)
    attention = BLOCKS * ATTENTION * 7 // 2
    logits = 2 * (2 * EMBED * classes)
    assert count_flops(subject.step) == (
        batch * (2 * EMBEDDING + twice_more + attention + logits),
        (),
    )


def test_fused_attention_is_counted_forward_and_backward() -> None:
    q = torch.randn(2, 3, 6, 8, requires_grad=True)
    k, v = torch.randn(2, 2, 3, 9, 8, requires_grad=True).unbind()
    product = 2 * (2 * 3) * 6 * 9 * 8
    assert count_flops(lambda: F.scaled_dot_product_attention(q, k, v)) == (2 * product, ())

    def both() -> None:
        F.scaled_dot_product_attention(q, k, v).sum().backward()

    assert count_flops(both) == ((2 + 5) * product, ())


def test_products_with_a_vector_are_counted() -> None:
    matrix, vector = torch.randn(5, 7), torch.randn(7)
    assert count_flops(lambda: matrix @ vector) == (2 * 5 * 7, ())
    assert count_flops(lambda: vector @ vector) == (2 * 7, ())
    assert count_flops(lambda: torch.addmv(torch.zeros(5), matrix, vector)) == (2 * 5 * 7, ())


def test_a_product_without_a_formula_is_named() -> None:
    a, b = torch.ones(2, 2, dtype=torch.int8), torch.ones(2, 2, dtype=torch.int8)
    flops, unknown = count_flops(lambda: torch._int_mm(a, b))
    assert (flops, unknown) == (0, ("_int_mm",))
    images = torch.randn(1, 3, 4, 4)
    assert count_flops(lambda: F.interpolate(images, scale_factor=2, mode="bilinear"))[1] == ()
