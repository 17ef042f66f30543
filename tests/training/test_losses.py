"""Every loss against a slow reference written out with loops, in float64."""

from __future__ import annotations

import math
from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from harness.training import losses

B, C, N, D, K = 4, 5, 6, 7, 3
SCALE = 14.0


def draw(*shape: int, seed: int = 0, unit: bool = False) -> Tensor:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(x, dim=-1) if unit else x


LABELS = torch.tensor([0, 2, 4, 2])
TEXT = draw(C, D, seed=1, unit=True)
FEATURES = draw(B, D, seed=2, unit=True)
PATCHES, BRANCH = draw(B, N, D, seed=3), draw(B, N, D, seed=4)
ATTENTION = draw(B, K, N, seed=5).exp()


def dot(a: Tensor, b: Tensor) -> float:
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def cosine(a: Tensor, b: Tensor) -> float:
    return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


def softmax(values: list[float]) -> list[float]:
    total = sum(math.exp(v) for v in values)
    return [math.exp(v) / total for v in values]


def kl(target: list[float], given: list[float]) -> float:
    return sum(t * math.log(t / p) for t, p in zip(target, given, strict=True))


def test_cosine_logits() -> None:
    got = losses.cosine_logits(FEATURES, TEXT, SCALE)
    for b in range(B):
        for c in range(C):
            assert float(got[b, c]) == pytest.approx(SCALE * dot(FEATURES[b], TEXT[c]))


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.3])
def test_margin_logits(margin: float) -> None:
    got = losses.margin_logits(FEATURES, TEXT, LABELS, SCALE, margin)
    for b in range(B):
        for c in range(C):
            far = 1 - dot(TEXT[LABELS[b]], TEXT[c])
            want = SCALE * (dot(FEATURES[b], TEXT[c]) + margin * far)
            assert float(got[b, c]) == pytest.approx(want)


def test_margin_of_the_paper_and_of_the_code_are_one_softmax() -> None:
    shifted = FEATURES - 0.3 * TEXT[LABELS]  # the code's form, not normalised again
    code = (SCALE * shifted @ TEXT.T).log_softmax(dim=-1)
    ours = losses.margin_logits(FEATURES, TEXT, LABELS, SCALE, 0.3).log_softmax(dim=-1)
    torch.testing.assert_close(ours, code, atol=1e-12, rtol=0)


def test_the_margin_leaves_the_true_class_alone() -> None:
    plain = losses.cosine_logits(FEATURES, TEXT, SCALE)
    ours = losses.margin_logits(FEATURES, TEXT, LABELS, SCALE, 0.3)
    rows = torch.arange(B)
    torch.testing.assert_close(ours[rows, LABELS], plain[rows, LABELS])
    assert (ours >= plain - 1e-12).all()


def test_cross_entropy_with_soft_targets() -> None:
    logits, targets = draw(B, C, seed=6), draw(B, C, seed=7).exp()  # rows that sum to anything
    want = 0.0
    for b in range(B):
        p = softmax(logits[b].tolist())
        want -= sum(float(targets[b, c]) * math.log(p[c]) for c in range(C)) / B
    assert float(losses.cross_entropy(logits, targets)) == pytest.approx(want)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_smoothed_cross_entropy_is_torchs(smoothing: float) -> None:
    logits = draw(B, C, seed=6)
    want = F.cross_entropy(logits, LABELS, label_smoothing=smoothing)
    torch.testing.assert_close(losses.smoothed_cross_entropy(logits, LABELS, smoothing), want)


def test_uniform_targets() -> None:
    got = losses.uniform_targets(LABELS, C, 0.1)
    assert got[1].tolist() == pytest.approx([0.02, 0.02, 0.92, 0.02, 0.02])
    torch.testing.assert_close(got.sum(dim=1), torch.ones(B))


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_instance_targets(share: float) -> None:
    logits = draw(B, C, seed=8).requires_grad_()
    got = losses.instance_targets(logits, LABELS, share)
    assert not got.requires_grad
    for b in range(B):
        p = softmax(logits[b].tolist())
        want = [share * p[c] + (1 - share if c == LABELS[b] else 0) for c in range(C)]
        assert got[b].tolist() == pytest.approx(want)


def test_semantic_distribution() -> None:
    got = losses.semantic_distribution(TEXT, 35.0)
    for y in range(C):
        want = softmax([35 * dot(TEXT[y], TEXT[c]) for c in range(C)])
        assert got[y].tolist() == pytest.approx(want)


@pytest.mark.parametrize("epsilon", [1.0, 0.9, 0.6])
@pytest.mark.parametrize("normalise", [False, True])
def test_semantic_targets(epsilon: float, normalise: bool) -> None:
    d = losses.semantic_distribution(TEXT, 3.0)
    before = d.clone()
    got = losses.semantic_targets(d, LABELS, epsilon, normalise)
    for b, y in enumerate(LABELS.tolist()):
        for c in range(C):
            if normalise:
                want = epsilon * (c == y) + (1 - epsilon) * float(d[y, c])
            else:
                want = epsilon if c == y else float(d[y, c])
            assert float(got[b, c]) == pytest.approx(want)
        total = 1.0 if normalise else epsilon + 1 - float(d[y, y])
        assert float(got[b].sum()) == pytest.approx(total)
    assert torch.equal(d, before)


def test_semantic_smoothing_with_epsilon_one_still_smooths_in_the_codes_form() -> None:
    d = losses.semantic_distribution(TEXT, 3.0)
    onehot = F.one_hot(LABELS, C).double()
    torch.testing.assert_close(losses.semantic_targets(d, LABELS, 1.0, True), onehot)
    assert (losses.semantic_targets(d, LABELS, 1.0, False) - onehot).abs().max() > 0.01


def test_attention_alignment() -> None:
    want = 0.0
    for b in range(B):
        rows = [[float(v / ATTENTION[b, k].sum()) for v in ATTENTION[b, k]] for k in range(K)]
        average = [sum(row[i] for row in rows) / K for i in range(N)]
        target = softmax([cosine(BRANCH[b, i], TEXT[LABELS[b]]) for i in range(N)])
        want += kl(target, average) / B
    got = losses.attention_alignment(ATTENTION, BRANCH, TEXT[LABELS], detach=False)
    assert float(got) == pytest.approx(want)


@pytest.mark.parametrize("classes", ["all", "label"])
def test_similarity_alignment(classes: Literal["all", "label"]) -> None:
    want = 0.0
    for b in range(B):
        for c in range(C) if classes == "all" else [int(LABELS[b])]:
            target = softmax([cosine(BRANCH[b, i], TEXT[c]) for i in range(N)])
            given = softmax([cosine(PATCHES[b, i], TEXT[c]) for i in range(N)])
            want += kl(target, given) / B
    got = losses.similarity_alignment(PATCHES, BRANCH, TEXT, LABELS, classes, detach=False)
    assert float(got) == pytest.approx(want)


def test_alignment_is_zero_for_equal_distributions() -> None:
    same = losses.similarity_alignment(PATCHES, 3 * PATCHES, TEXT, LABELS, "all", detach=False)
    assert float(same) == pytest.approx(0, abs=1e-12)
    similarity = torch.einsum("bnd,bd->bn", F.normalize(BRANCH, dim=-1), TEXT[LABELS])
    rows = similarity.softmax(dim=-1)[:, None].expand(-1, K, -1)
    scales = torch.tensor([0.2, 1.0, 0.7], dtype=torch.float64)[:, None]  # divided out again
    equal = losses.attention_alignment(rows * scales, BRANCH, TEXT[LABELS], detach=False)
    assert float(equal) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("detach", [False, True])
def test_a_detached_target_carries_no_gradient(detach: bool) -> None:
    attention, patches, branch = (x.clone().requires_grad_() for x in (ATTENTION, PATCHES, BRANCH))
    for term, student in (
        (losses.attention_alignment(attention, branch, TEXT[LABELS], detach), attention),
        (losses.similarity_alignment(patches, branch, TEXT, LABELS, "all", detach), patches),
    ):
        to_student, to_branch = torch.autograd.grad(term, [student, branch], allow_unused=True)
        assert to_student is not None
        assert to_student.abs().max() > 0
        assert (to_branch is None) == detach
        assert detach or to_branch.abs().max() > 0


def test_detaching_does_not_change_the_value() -> None:
    values = [
        losses.attention_alignment(ATTENTION, BRANCH, TEXT[LABELS], detach)
        + losses.similarity_alignment(PATCHES, BRANCH, TEXT, LABELS, "all", detach)
        for detach in (False, True)
    ]
    assert float(values[0]) == float(values[1])


def test_gradients_against_finite_differences() -> None:
    attention, patches, branch = (x.clone().requires_grad_() for x in (ATTENTION, PATCHES, BRANCH))
    assert torch.autograd.gradcheck(
        lambda a, s: losses.attention_alignment(a, s, TEXT[LABELS], False), (attention, branch)
    )
    assert torch.autograd.gradcheck(
        lambda p, s: losses.similarity_alignment(p, s, TEXT, LABELS, "all", False),
        (patches, branch),
    )


def test_attention_of_zero_stays_finite() -> None:
    attention = torch.zeros(B, K, N, requires_grad=True)
    loss = losses.attention_alignment(attention, BRANCH.float(), TEXT[LABELS].float(), True)
    loss.backward()
    assert torch.isfinite(loss)
    assert attention.grad is not None
    assert torch.isfinite(attention.grad).all()


def test_half_precision_and_autocast_give_float32() -> None:
    text, features = TEXT.float(), FEATURES.float()
    outside = losses.margin_logits(features, text, LABELS, SCALE, 0.3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = losses.margin_logits(features, text, LABELS, SCALE, 0.3)
        aligned = losses.similarity_alignment(
            PATCHES.bfloat16(), BRANCH.bfloat16(), text, LABELS, "label", detach=True
        )
    assert torch.equal(inside, outside)
    assert aligned.dtype == torch.float32
