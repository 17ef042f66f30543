from __future__ import annotations

import pytest
import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.errors import UserError
from harness.validation import validated
from tests.methods import toy
from tests.methods.toy import ODD

WORDS = {"n_ctx": 4, "ctx_init": "a photo of a"}


def features(count: int = 5) -> torch.Tensor:
    draw = torch.randn(count, 16, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.normalize(draw, dim=-1)


@pytest.mark.parametrize("classes", [toy.NAMES, toy.UNSEEN, ODD])
def test_words_as_context_are_the_prompt_itself(
    backbone: Backbone, classes: tuple[str, ...]
) -> None:
    method = toy.build("coop", backbone, **WORDS).method
    want = backbone.logit_scale * features() @ backbone.text_features(classes, toy.TEMPLATE).T
    torch.testing.assert_close(method.logits(features(), classes), want, atol=1e-5, rtol=1e-5)


def test_random_context_is_drawn_from_the_seed(backbone: Backbone) -> None:
    contexts = [
        toy.build("coop", backbone, seed=seed, n_ctx=16).parameters["context"] for seed in (0, 0, 1)
    ]
    assert torch.equal(contexts[0], contexts[1])
    assert not torch.equal(contexts[0], contexts[2])
    assert float(contexts[0].detach().std()) == pytest.approx(0.02, rel=0.2)


def test_class_specific_contexts_are_free_of_each_other(backbone: Backbone) -> None:
    run = toy.build("coop", backbone, class_specific=True)
    context = run.parameters["context"]
    assert context.shape == (3, 4, 16)
    before = run.method.logits(features(), toy.NAMES)
    with torch.no_grad():
        context[1].add_(torch.randn(context[1].shape, generator=torch.manual_seed(1)))
    after = run.method.logits(features(), toy.NAMES)
    changed = (after - before).abs().amax(dim=0) > 1e-4
    assert changed.tolist() == [False, True, False]
    turned = run.method.logits(features(), toy.NAMES[::-1])
    torch.testing.assert_close(turned, after.flip(1))


def test_class_specific_contexts_fit_no_unseen_class(backbone: Backbone) -> None:
    run = toy.build("coop", backbone, class_specific=True)
    with pytest.raises(UserError, match=r"no context for class 'yellow_cat'.*class_specific=false"):
        run.method.logits(features(), toy.UNSEEN)


def test_prompts_follow_the_context_between_two_tests(backbone: Backbone) -> None:
    run = toy.build("coop", backbone)
    first = run.method.logits(features(), toy.UNSEEN)
    assert torch.equal(run.method.logits(features(), toy.UNSEEN), first)
    own = run.parameters["context"].detach().clone()
    run.parameters["context"].data.add_(torch.randn(own.shape))
    assert not torch.allclose(run.method.logits(features(), toy.UNSEEN), first)
    run.parameters["context"].data.copy_(own)
    assert torch.equal(run.method.logits(features(), toy.UNSEEN), first)


def test_a_fresh_test_after_training_has_no_graph(backbone: Backbone) -> None:
    run = toy.build("coop", backbone, steps=2)
    toy.train(run)
    assert not run.method.logits(features(), toy.NAMES).requires_grad


def test_number_of_context_words_must_be_said(backbone: Backbone) -> None:
    with pytest.raises(UserError, match="'a photo of a' has 4 tokens; set n_ctx=4"):
        toy.build("coop", backbone, n_ctx=16, ctx_init="a photo of a")


def test_a_prompt_that_does_not_fit(backbone: Backbone) -> None:
    # Of 24 tokens, start, two words, full stop and end leave 19.
    toy.build("coop", backbone, n_ctx=19)
    with pytest.raises(UserError, match=r"has 25 tokens with n_ctx=20, .* 24; set n_ctx to 19"):
        toy.build("coop", backbone, n_ctx=20)


def test_words_and_class_specific_contexts_exclude_each_other() -> None:
    config = registry.method_class("coop").Config
    with pytest.raises(UserError, match="drop ctx_init='a photo of a'"):
        validated(config, {**WORDS, "class_specific": True}, "method 'coop'")


@pytest.mark.parametrize(
    ("given", "warmup"),
    [({}, 100), ({"steps": 500}, 10), ({"steps": 20}, 0), ({"steps": 500, "warmup_steps": 7}, 7)],
)
def test_warm_up_is_a_fiftieth_of_the_steps_unless_given(
    given: dict[str, int], warmup: int
) -> None:
    config = registry.method_class("coop").Config.model_validate(given)
    assert config.model_dump()["warmup_steps"] == warmup
    assert type(config).model_validate(config.model_dump()) == config


def test_the_recipe_is_the_authors() -> None:
    config = registry.method_class("coop").Config().model_dump()
    want = {
        "n_ctx": 16, "ctx_init": "", "class_position": "end", "class_specific": False,
        "optimizer": "sgd", "lr": 2e-3, "momentum": 0.9, "weight_decay": 5e-4,
        "schedule": "cosine", "warmup_lr": 1e-5, "crop_scale": (0.08, 1.0),
        "crop_interpolation": "bicubic",
    }  # fmt: skip
    assert {key: config[key] for key in want} == want
