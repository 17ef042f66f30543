"""Prompts with learned context vectors among the tokens (CoOp, Zhou et al., IJCV 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from harness.clip.text import TextTower
from harness.errors import UserError

Position = Literal["end", "middle", "front"]


@dataclass(frozen=True)
class ContextPrompts:
    """The prompts ``[V]_1 .. [V]_M class.`` of C classes, without the vectors V."""

    tower: TextTower
    embedded: Tensor
    """[C, L - M, d] embeddings of start, name, full stop, end, padding; without gradient."""
    eot: Tensor
    """[C] int64 end-of-text positions, the context counted."""
    order: Tensor
    """[C, L] int64: which token of ``start, context, name, rest`` stands where."""

    def encode(self, context: Tensor) -> Tensor:
        """Return the classes' features [C, D] unit norm; gradient reaches the context.

        Args:
            context: [M, d], shared, or [C, M, d].
        """
        context = context.expand(len(self.embedded), -1, -1)
        tokens = torch.cat([self.embedded[:, :1], context, self.embedded[:, 1:]], dim=1)
        placed = tokens.gather(1, self.order[..., None].expand_as(tokens))
        return self.tower.encode_embeddings(placed, self.eot)


@torch.no_grad()
def context_prompts(
    tower: TextTower, class_names: Sequence[str], n_ctx: int, position: Position = "end"
) -> ContextPrompts:
    """Prepare prompts with room for `n_ctx` vectors.

    Args:
        tower: The frozen text tower.
        class_names: C names; underscores are read as blanks.
        n_ctx: M.
        position: Where the class name stands: after the context, in its middle, before it.

    Raises:
        UserError: If a prompt does not fit with its context.
    """
    names = [name.replace("_", " ") for name in class_names]
    tokens = tower.tokenize([f"{name}." for name in names])
    ends = tower.eot(tokens) + n_ctx
    longest, length = int(ends.argmax()), tower.context_length
    excess = int(ends[longest]) + 1 - length
    if excess > 0:
        raise UserError(
            f"the prompt of class '{names[longest]}' has {length + excess} tokens with "
            f"n_ctx={n_ctx}, the model takes {length}; set n_ctx to {n_ctx - excess} or less"
        )
    before = {"end": n_ctx, "middle": n_ctx // 2, "front": 0}[position]
    rows = [_order(n, n_ctx, before, length) for n in (tower.eot(tower.tokenize(names)) - 1)]
    embedded = tower.embed_tokens(tokens[:, : length - n_ctx])
    return ContextPrompts(tower, embedded, ends, torch.tensor(rows, device=embedded.device))


def _order(name: Tensor, n_ctx: int, before: int, length: int) -> list[int]:
    """Put `before` context vectors ahead of a name of so many tokens, the others after it."""
    context, rest = range(1, 1 + n_ctx), range(1 + n_ctx, length)
    n = int(name)
    return [0, *context[:before], *rest[:n], *context[before:], *rest[n:]]


@torch.no_grad()
def embed_words(tower: TextTower, words: str) -> Tensor:
    """Return the token embeddings [M, d] of some words, without start and end of text."""
    tokens = tower.tokenize([words.replace("_", " ")])
    return tower.embed_tokens(tokens)[0, 1 : int(tower.eot(tokens)[0])].clone()
