"""The text tower as prompt learning needs it: from token embeddings, with gradient.

open_clip spreads the tower's parts over the model itself (class ``CLIP``) or keeps them under
``model.text`` (``CustomTextCLIP``), with the same names. Prompt learning (CoOp, Zhou et al. 2022)
replaces some token embeddings by learned vectors and runs the frozen tower on the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.clip import openclip
from harness.clip.attention import full_precision
from harness.clip.prompted import run_blocks
from harness.errors import UserError


def prompts(class_names: Sequence[str], template: str) -> list[str]:
    """Return one prompt per class; underscores in names are read as blanks.

    Raises:
        UserError: If `template` has not exactly one ``{}``.
    """
    if template.count("{}") != 1:
        raise UserError(f"template '{template}' must have one {{}} where the class name goes")
    return [template.replace("{}", name.replace("_", " ")) for name in class_names]


def tokenize(
    tokenizer: Any, texts: Sequence[str], context_length: int, truncate: bool = False
) -> Tensor:
    """Turn texts into token ids.

    Args:
        tokenizer: open_clip's ``SimpleTokenizer`` or a wrapped Hugging Face one.
        texts: C texts.
        context_length: L, start and end of text included.
        truncate: Cut longer texts; the end of text stays.

    Returns:
        [C, L] int64.

    Raises:
        UserError: If a text is longer than L, which open_clip would cut without a word.
    """
    for text in texts if not truncate else ():
        length = _length(tokenizer, text)
        if length > context_length:
            raise UserError(
                f"text '{text}' has {length} tokens, the model takes {context_length}; shorten it"
            )
    tokens: Tensor = tokenizer(list(texts), context_length=context_length)
    return tokens.long()


def _length(tokenizer: Any, text: str) -> int:
    if hasattr(tokenizer, "encode"):
        return len(tokenizer.encode(text)) + 2
    return len(tokenizer.tokenizer(tokenizer.clean_fn(text))["input_ids"])


@dataclass(frozen=True)
class TextTower:
    """View of a CLIP model's text tower; it owns no weights."""

    model: Any
    """open_clip ``CLIP`` or ``CustomTextCLIP`` with a causal tower pooled at the end of text."""
    tokenizer: Any
    """None for a tower without weights, whose modules alone are looked at."""
    name: str = "model"
    """What errors call the model."""

    def __post_init__(self) -> None:
        part, use = self._part, "use a model such as ViT-B-16 for prompt learning"
        if not isinstance(part, openclip.CLIP | openclip.TextTransformer):
            raise UserError(f"{self.name} has a {type(part).__name__} for text; {use}")
        if getattr(part, "cls_emb", None) is not None:
            raise UserError(f"{self.name} pools its text at an appended class token; {use}")
        if part.attn_mask is None:
            raise UserError(f"{self.name}: its text tower is not causal; {use}")
        if self._pool_type not in ("argmax", "eos"):
            raise UserError(
                f"{self.name} pools its text by '{self._pool_type}', not at the end of text; {use}"
            )
        if self.tokenizer is not None and len(set(self.tokenize(["a", "no"])[:, 0].tolist())) > 1:
            raise UserError(
                f"{self.name}: its tokenizer writes no start of text, behind which a context "
                f"would stand; {use}"
            )

    @property
    def _part(self) -> Any:
        return self.model.text if hasattr(self.model, "text") else self.model

    @property
    def _pool_type(self) -> str:
        part = self._part
        return str(part.text_pool_type if isinstance(part, openclip.CLIP) else part.pool_type)

    @property
    def context_length(self) -> int:
        """Longest prompt in tokens, start and end of text included."""
        return int(self._part.context_length)

    @property
    def width(self) -> int:
        """Width of a token embedding."""
        return int(self._part.token_embedding.weight.shape[1])

    @property
    def blocks(self) -> int:
        """Number of transformer blocks."""
        return len(self._part.transformer.resblocks)

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Return [C, L] int64 token ids on the tower's device.

        Raises:
            UserError: If a text does not fit.
        """
        tokens = tokenize(self.tokenizer, texts, self.context_length)
        return tokens.to(self._part.token_embedding.weight.device)

    def embed_tokens(self, tokens: Tensor) -> Tensor:
        """Return the embeddings [C, L, d] of token ids [C, L], without positions."""
        embedded: Tensor = self._part.token_embedding(tokens)
        return embedded

    def eot(self, tokens: Tensor) -> Tensor:
        """Return the end-of-text positions [C] int64 of token ids [C, L]."""
        if self._pool_type == "argmax":
            largest: Tensor = tokens.argmax(dim=-1)  # the end of text has the largest id
            return largest
        part = self._part
        end = part.text_eos_id if isinstance(part, openclip.CLIP) else part.eos_id
        first: Tensor = (tokens == end).int().argmax(dim=-1)
        return first

    def encode_embeddings(
        self,
        embeddings: Tensor,
        eot: Tensor,
        deep: Sequence[Tensor] = (),
        length: int | None = None,
    ) -> Tensor:
        """Run the tower on token embeddings.

        Nothing after the last end of text can reach it through the causal mask, so the sequence is
        cut there: same result, a third or a quarter of the work for usual prompts.

        Args:
            embeddings: [C, L, d], without positions; gradient reaches them.
            eot: [C] int64, where each row's end of text is.
            deep: Tensors [n, d]; the i-th replaces what block i left of the n tokens behind the
                start of text (MaPLe). Fewer than there are blocks.
            length: Tokens up to the last end of text; looked for in `eot` if not given, for which a
                GPU has to finish its work.

        Returns:
            [C, D] unit norm, float32 (float64 for a float64 model).
        """
        part = self._part
        length = length or int(eot.max()) + 1
        x = embeddings[:, :length] + part.positional_embedding[:length]
        x = run_blocks(part.transformer, x, deep, 1, part.attn_mask[:length, :length])
        # The final norm is per token: only the tokens that are read need it.
        x = part.ln_final(x[torch.arange(len(x), device=x.device), eot])
        projection = part.text_projection
        if isinstance(projection, nn.Linear):
            x = projection(x)
        elif projection is not None:
            x = x @ projection
        features: Tensor = F.normalize(full_precision(x), dim=-1)
        return features

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Return [C, D] unit-norm features of texts.

        Raises:
            UserError: If a text does not fit.
        """
        tokens = self.tokenize(texts)
        return self.encode_embeddings(self.embed_tokens(tokens), self.eot(tokens))
