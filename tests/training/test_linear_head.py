"""A linear classifier that begins as zero-shot CLIP."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from harness.errors import UserError
from harness.training.linear_head import LinearHead

NAMES = ("cat", "dog", "owl")


@pytest.fixture
def texts() -> torch.Tensor:
    return F.normalize(torch.randn(3, 5, generator=torch.Generator().manual_seed(0)), dim=1)


def test_it_begins_with_the_scaled_cosines(texts: torch.Tensor) -> None:
    head = LinearHead(texts, 20.0, NAMES, "mine")
    features = texts.flip(0)
    torch.testing.assert_close(head(features), 20.0 * features @ texts.T)
    assert {name for name, _ in head.named_parameters()} == {"weight", "bias"}


def test_the_texts_are_copied(texts: torch.Tensor) -> None:
    before = texts.clone()
    head = LinearHead(texts, 1.0, NAMES, "mine")
    with torch.no_grad():
        head.weight.add_(1)
    assert torch.equal(texts, before)


def test_classes_in_any_order(texts: torch.Tensor) -> None:
    head = LinearHead(texts, 2.0, NAMES, "mine")
    with torch.no_grad():
        head.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    found = head.logits(texts, ("owl", "cat"))
    torch.testing.assert_close(found, head(texts)[:, [2, 0]])
    with pytest.raises(UserError, match=r"method 'mine' .* no head for class 'cow'"):
        head.logits(texts, ("cat", "cow"))
