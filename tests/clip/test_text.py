"""The text tower from token embeddings against open_clip's own encoder."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from harness.clip.openclip import open_clip
from harness.clip.text import TextTower, prompts, tokenize
from harness.errors import UserError
from tests.clip import models

TEXTS = ["a photo of a dog.", "violin", "a photo of an alarm clock."]
TOKENIZER = open_clip.SimpleTokenizer(context_length=12)


@pytest.mark.parametrize("custom", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        {}, {"proj_bias": True}, {"ls_init_value": 0.5}, {"pool_type": "eos", "eos_id": 49407},
        {"proj_type": "none"}, {"qk_norm": True},
    ],
    ids=str,
)  # fmt: skip
def test_equals_encode_text(custom: bool, text: dict[str, Any]) -> None:
    model = models.clip(text=text, custom=custom)
    tower = TextTower(model, TOKENIZER)
    expected = model.encode_text(TOKENIZER(TEXTS), normalize=True)
    assert_close(tower.encode(TEXTS), expected, atol=1e-5, rtol=1e-5)


def test_tokens_embeddings_and_ends_have_the_shapes_promised() -> None:
    tower = TextTower(models.clip(), TOKENIZER)
    tokens = tower.tokenize(TEXTS)
    assert (tokens.shape, tokens.dtype) == ((3, 12), torch.int64)
    assert tower.embed_tokens(tokens).shape == (3, 12, 16)
    assert tower.eot(tokens).tolist() == [7, 2, 8]
    assert (tower.width, tower.context_length) == (16, 12)


def test_cut_at_the_last_end_of_text_changes_nothing() -> None:
    """The same rows beside one that fills the context, so that nothing is cut."""
    tower = TextTower(models.clip().double(), TOKENIZER)
    tokens = tower.tokenize([*TEXTS, "one two three four five six seven eight nine ten"])
    eot = tower.eot(tokens)
    assert eot.max() == 11
    full = tower.encode_embeddings(tower.embed_tokens(tokens), eot)
    cut = tower.encode_embeddings(tower.embed_tokens(tokens[:3]), eot[:3])
    assert_close(cut, full[:3], atol=1e-12, rtol=1e-12)


def test_what_comes_after_the_end_of_text_does_not_matter() -> None:
    tower = TextTower(models.clip(), TOKENIZER)
    tokens = tower.tokenize(TEXTS)
    embeddings, eot = tower.embed_tokens(tokens), tower.eot(tokens)
    noisy = embeddings.clone()
    noisy[1, int(eot[1]) + 1 :] += torch.randn(9, 16)
    assert_close(tower.encode_embeddings(noisy, eot), tower.encode_embeddings(embeddings, eot))
    noisy[1, int(eot[1]) - 1] += torch.randn(16)
    changed = tower.encode_embeddings(noisy, eot) - tower.encode_embeddings(embeddings, eot)
    assert changed[1].abs().max() > 1e-3


@pytest.mark.parametrize("custom", [False, True])
def test_gradient_reaches_context_vectors_through_the_frozen_tower(custom: bool) -> None:
    model = models.clip(custom=custom).requires_grad_(False)
    tower = TextTower(model, TOKENIZER)
    tokens = tower.tokenize([f"X X X {name}." for name in ("dog", "alarm clock")])
    embedded = tower.embed_tokens(tokens)
    context = (torch.randn(3, 16) * 0.02).requires_grad_()
    spliced = torch.cat([embedded[:, :1], context.expand(2, 3, 16), embedded[:, 4:]], dim=1)
    features = tower.encode_embeddings(spliced, tower.eot(tokens))
    assert_close(features.norm(dim=-1), torch.ones(2))
    direction = torch.ones(16) / 4

    def value(vectors: torch.Tensor) -> torch.Tensor:
        parts = [embedded[:, :1], vectors.expand(2, 3, 16), embedded[:, 4:]]
        return (tower.encode_embeddings(torch.cat(parts, 1), tower.eot(tokens)) @ direction).sum()

    (gradient,) = torch.autograd.grad((features @ direction).sum(), context)
    assert (gradient.norm(dim=-1) > 1e-4).all()
    step = 1e-2 * gradient / gradient.norm()
    with torch.no_grad():
        slope = (value(context + step) - value(context - step)) / 2e-2
    assert_close(slope, gradient.norm(), rtol=0.02, atol=0.0)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_runs_under_autocast_and_returns_float32() -> None:
    tower = TextTower(models.clip(), TOKENIZER)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = tower.encode(TEXTS)
    assert features.dtype == torch.float32
    assert (F.cosine_similarity(features, tower.encode(TEXTS)) > 0.99).all()


def test_longest_text_that_fits_and_the_first_that_does_not() -> None:
    ten = "one two three four five six seven eight nine ten"
    assert tokenize(TOKENIZER, [ten], 12)[0, -1] == 49407
    with pytest.raises(UserError, match=r"text 'one .* ten a' has 13 tokens, the model takes 12"):
        tokenize(TOKENIZER, ["dog", f"{ten} a"], 12)


def test_wrapped_tokenizer_is_measured_too() -> None:
    class Inner:
        def __call__(self, text: str) -> dict[str, list[int]]:
            return {"input_ids": [1, *range(len(text.split())), 2]}

    class Wrapped:
        tokenizer, clean_fn = Inner(), staticmethod(str.lower)

        def __call__(self, texts: list[str], context_length: int) -> torch.Tensor:
            return torch.zeros(len(texts), context_length, dtype=torch.int32)

    assert tokenize(Wrapped(), ["a b"], 4).dtype == torch.int64
    with pytest.raises(UserError, match="has 5 tokens, the model takes 4"):
        tokenize(Wrapped(), ["a b c"], 4)


def test_prompts_read_underscores_in_names_only() -> None:
    assert prompts(["alarm_clock", "{}"], "a_photo of {}.") == [
        "a_photo of alarm clock.", "a_photo of {}.",
    ]  # fmt: skip
    for template in ("a photo", "{} and {}"):
        with pytest.raises(UserError, match=r"must have one \{\} where the class name goes"):
            prompts(["dog"], template)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"no_causal_mask": True, "pool_type": "last"}, "M: its text tower is not causal"),
        ({"no_causal_mask": True}, "M: its text tower is not causal"),
        ({"pool_type": "last"}, "M pools its text by 'last'"),
        ({"embed_cls": True}, "M pools its text at an appended class token"),
    ],
    ids=str,
)
def test_towers_that_do_not_fit_are_refused(text: dict[str, Any], message: str) -> None:
    model = models.clip(text=text, custom=True, init_logit_bias=-10.0)
    with pytest.raises(UserError, match=f"{message}.*use a model such as ViT-B-16"):
        TextTower(model, TOKENIZER, "M")


def test_hugging_face_tower_is_refused() -> None:
    model = models.clip(custom=True)
    model.text = torch.nn.Linear(2, 2)
    with pytest.raises(UserError, match=r"M has a Linear for text; use a model such as ViT-B-16"):
        TextTower(model, TOKENIZER, "M")
