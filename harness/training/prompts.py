"""Prompts with learned context vectors among the tokens (CoOp, Zhou et al., IJCV 2022).

What CoOp and the methods that grew out of it (CoCoOp, MaPLe) share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from harness.clip.backbone import Backbone
from harness.clip.text import TextTower, prompts
from harness.errors import UserError
from harness.method import TrainConfig

Position = Literal["end", "middle", "front"]
INITIAL_STD = 0.02
"""Standard deviation of random context vectors (the authors' code)."""
PROMPTS_AT_ONCE = 512
"""Prompts that run through the text tower together when every image has its own."""


@dataclass(frozen=True)
class ContextPrompts:
    """The prompts ``[V]_1 .. [V]_M class.`` of C classes, without the vectors V."""

    tower: TextTower
    embedded: Tensor
    """[C, L - M, d] embeddings of start, name, full stop, end, padding; without gradient."""
    eot: Tensor
    """[C] int64 end-of-text positions, the context counted."""
    length: int
    """Tokens up to the last end of text: a number of the host's, which no step has to ask for."""
    order: Tensor
    """[C, L] int64: which token of ``start, context, name, rest`` stands where."""

    def encode(self, context: Tensor, deep: Sequence[Tensor] = ()) -> Tensor:
        """Return the classes' features [C, D] unit norm; gradient reaches the context.

        Args:
            context: [M, d], shared, or [C, M, d].
            deep: Tensors [M, d] that replace the context's tokens in the next blocks; see
                ``TextTower.encode_embeddings``. The context must then follow the start of text.
        """
        context = context.expand(len(self.embedded), -1, -1)
        return self._encode_rows(slice(None), context, deep)

    def encode_each(self, contexts: Tensor) -> Tensor:
        """Return features [B, C, D] unit norm of every class under each of B contexts [B, M, d].

        The B C prompts run in parts; with gradient and more than one part, a part's activations
        are computed again in the backward pass, so that the memory does not grow with B C.
        """
        images, classes = len(contexts), len(self.embedded)
        pairs = torch.arange(images * classes, device=contexts.device)

        def part(rows: Tensor) -> Tensor:
            return self._encode_rows(rows % classes, contexts[rows // classes])

        parts = torch.split(pairs, PROMPTS_AT_ONCE)
        if torch.is_grad_enabled() and len(parts) > 1:
            features = [checkpoint(part, rows, use_reentrant=False) for rows in parts]
        else:
            features = [part(rows) for rows in parts]
        return torch.cat(features).view(images, classes, -1)

    def _encode_rows(
        self, rows: Tensor | slice, context: Tensor, deep: Sequence[Tensor] = ()
    ) -> Tensor:
        """Encode the prompts of the classes `rows`, each with its context [len(rows), M, d]."""
        eot = self.eot[rows]
        # Nothing is built of what the tower would cut: CoCoOp has many more rows than classes.
        embedded = self.embedded[rows, : self.length - context.shape[1]]
        tokens = torch.cat([embedded[:, :1], context, embedded[:, 1:]], dim=1)
        order = self.order[rows, : self.length]
        placed = tokens.gather(1, order[..., None].expand_as(tokens))
        return self.tower.encode_embeddings(placed, eot, deep, self.length)


@torch.no_grad()
def prompted_tower(backbone: Backbone, method: str) -> TextTower:
    """Return the text tower that a method's prompts run through.

    Raises:
        UserError: Naming the method and why the tower takes none.
    """
    try:
        return backbone.text_tower
    except UserError as error:
        raise UserError(f"method '{method}': {error}") from None


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
    order = torch.tensor(rows, device=embedded.device)
    return ContextPrompts(tower, embedded, ends, int(ends[longest]) + 1, order)


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


@torch.no_grad()
def worded_prompts(
    tower: TextTower, class_names: Sequence[str], words: str, n_ctx: int
) -> ContextPrompts:
    """Prepare prompts ``{words} {name}.`` whose first `n_ctx` tokens give way to vectors.

    Raises:
        UserError: If a prompt does not fit.
    """
    template = words.replace("_", " ") + " {}."
    tokens = tower.tokenize(prompts(class_names, template))
    embedded = tower.embed_tokens(tokens)
    order = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
    kept = torch.cat([embedded[:, :1], embedded[:, 1 + n_ctx :]], dim=1)
    ends = tower.eot(tokens)
    return ContextPrompts(tower, kept, ends, int(ends.max()) + 1, order)


def initial_context(
    tower: TextTower, words: str, shape: tuple[int, ...], draw: torch.Generator, method: str
) -> Tensor:
    """Return the vectors [..., M] x d that a context begins with: of some words, or random.

    Args:
        tower: The frozen text tower.
        words: Words of exactly M tokens; empty for a normal draw with `INITIAL_STD`.
        shape: All but the last dimension of the result; ends in M.
        draw: Read only without words.
        method: What the error calls the method.

    Raises:
        UserError: If the words have another number of tokens.
    """
    if not words:
        return torch.randn((*shape, tower.width), generator=draw) * INITIAL_STD
    embedded = embed_words(tower, words)
    if len(embedded) != shape[-1]:
        raise UserError(
            f"method '{method}': n_ctx is {shape[-1]} but ctx_init='{words}' has "
            f"{len(embedded)} tokens; set n_ctx={len(embedded)}"
        )
    return embedded


def seeded_linear(n_in: int, n_out: int, draw: torch.Generator) -> nn.Linear:
    """Return a linear layer with torch's default initialisation, drawn from `draw`."""
    layer, bound = nn.Linear(n_in, n_out), n_in**-0.5
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=draw)
    return layer


class LastText:
    """Text features of the last class names, for a test that asks batch after batch.

    They are made again only when the names or the trained values changed. The values are compared,
    not their identity: weights are swapped under a method.
    """

    def __init__(self) -> None:
        self._kept: tuple[tuple[str, ...], list[Tensor], Tensor] | None = None

    @torch.no_grad()
    def get(
        self,
        class_names: tuple[str, ...],
        trained: Sequence[Tensor],
        encode: Callable[[tuple[str, ...]], Tensor],
    ) -> Tensor:
        """Return ``encode(class_names)``, without gradient."""
        if self._kept is not None:
            names, values, text = self._kept
            if names == class_names and all(map(torch.equal, values, trained)):
                return text
        text = encode(class_names)
        self._kept = (class_names, [value.detach().clone() for value in trained], text)
        return text


class PromptConfig(TrainConfig):
    """The optimiser of CoOp, CoCoOp and MaPLe, whose authors count in epochs (Dassl)."""

    epochs: int = Field(0, ge=0)
    """Passes over the training images, the first of which is warm-up. When runs are planned they
    become `steps` and `warmup_steps`, so many for each data set; 0: `steps` says."""
    batch_size: int = Field(0, ge=0)
    """Images in a step, drawn from all sources together; 0: `batch_per_domain` of each source."""
    lr: float = Field(2e-3, gt=0)
    weight_decay: float = Field(5e-4, ge=0)
    optimizer: Literal["adamw", "sgd"] = "sgd"
    crop_scale: tuple[float, float] = (0.08, 1.0)
    """Area range of the random resized crop."""
    crop_interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    """Interpolation of the crop's resize, as Pillow does it."""

    authors_epochs: ClassVar[int]
    """Epochs of the authors' recipe: one of so many is warm-up where only steps are given."""

    @model_validator(mode="before")
    @classmethod
    def _warmup_follows_steps(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        if values.get("epochs"):  # one of them, when a plan makes steps of them
            return {"warmup_steps": 1, **values}
        steps = values.get("steps", cls.model_fields["steps"].default)
        whole = isinstance(steps, int) and not isinstance(steps, bool)
        return {"warmup_steps": steps // cls.authors_epochs, **values} if whole else values
