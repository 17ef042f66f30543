"""Attention as plain functions, against whole matrices."""

from __future__ import annotations

from typing import cast

import pytest
import torch

from harness.clip.attention import Branch, branch_heads, class_rows, merge_heads, split_heads

B, H, N, E = 2, 3, 4, 5


@pytest.fixture
def qkv() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(B, H, N + 1, E, generator=draw) for _ in range(3))
    return q, k, v


def test_heads_come_together_again() -> None:
    x = torch.arange(B * N * H * E, dtype=torch.float32).view(B, N, H * E)
    heads = split_heads(x, H)
    assert heads.shape == (B, H, N, E)
    assert torch.equal(heads[:, 1], x[..., E : 2 * E])
    assert torch.equal(merge_heads(heads), x)


def test_class_rows_are_row_0_of_the_whole_matrix(
    qkv: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    q, k, _ = qkv
    whole = (q @ k.transpose(-2, -1) / E**0.5).softmax(-1).mean(1)
    torch.testing.assert_close(class_rows(q, k), whole[:, 0, 1:])
    half = class_rows(q.bfloat16(), k.bfloat16())
    assert half.dtype == torch.float32


@pytest.mark.parametrize("structure", ["d-v", "v-v-v", "q-q", "k-k"])
def test_branches_are_the_whole_matrices(
    structure: str, qkv: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> None:
    q, k, v = qkv
    if structure == "d-v":
        matrix = torch.eye(N + 1).expand(B, H, -1, -1)
    else:
        x = {"v-v-v": v, "q-q": q, "k-k": k}[structure]
        matrix = (x @ x.transpose(-2, -1) / E**0.5).softmax(-1)
    found = branch_heads(cast(Branch, structure), q, k, v)
    torch.testing.assert_close(found, (matrix @ v)[:, :, 1:])
