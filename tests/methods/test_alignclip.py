from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from harness.errors import UserError
from harness.training import losses
from harness.validation import validated
from tests.methods import toy

OFF = {"attention_alignment": False, "similarity_alignment": False, "semantic_smoothing": False}


def first_terms(backbone: Backbone, **config: Any) -> dict[str, float]:
    run = toy.build("alignclip", backbone, **config)
    return {key: float(value.detach()) for key, value in run.method.losses(run.batch(0)).items()}


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_with_all_parts_off_it_is_clipood_bit_for_bit(backbone: Backbone, smoothing: float) -> None:
    recipe = {"steps": 25, "lr": 1e-3, "batch_per_domain": 12, "label_smoothing": smoothing}
    ours = toy.build("alignclip", backbone, **recipe, **OFF)
    theirs = toy.build("clipood", backbone, **recipe)
    losses_ours, average_ours = toy.train(ours)
    losses_theirs, average_theirs = toy.train(theirs)
    assert losses_ours == losses_theirs
    assert list(ours.parameters) == list(theirs.parameters)
    for key in ours.parameters:
        assert torch.equal(ours.parameters[key], theirs.parameters[key])
    assert average_ours is not None
    assert average_theirs is not None
    a, b = (x.state_dict()["average"] for x in (average_ours, average_theirs))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_off_it_only_differs_from_clipood_in_the_batch() -> None:
    ours = registry.method_class("alignclip").Config().model_dump()
    theirs = registry.method_class("clipood").Config().model_dump()
    differing = {key for key in theirs if ours[key] != theirs[key]}
    assert differing == {"batch_per_domain"}
    assert (ours["batch_per_domain"], theirs["batch_per_domain"]) == (36, 12)


@pytest.mark.parametrize(("aa", "as_"), list(product([False, True], repeat=2)))
def test_each_alignment_is_its_own_switch(backbone: Backbone, aa: bool, as_: bool) -> None:
    whole = first_terms(backbone)
    some = first_terms(backbone, attention_alignment=aa, similarity_alignment=as_)
    expected = {"classification"}
    expected |= {"attention_alignment"} if aa else set()
    expected |= {"similarity_alignment"} if as_ else set()
    assert set(some) == expected
    assert some == pytest.approx({key: whole[key] for key in expected}, rel=1e-5)


def test_no_aligned_layer_is_no_attention_alignment(backbone: Backbone) -> None:
    assert "attention_alignment" not in first_terms(backbone, aligned_layers=0)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("branch", ["d-v", "v-v-v", "q-q", "k-k"])
def test_terms_are_the_losses_of_the_trace(backbone: Backbone, layers: int, branch: Any) -> None:
    run = toy.build(
        "alignclip", backbone, aligned_layers=layers, branch=branch, branch_depth=3,
        alignment_weight=2.5, epsilon=0.8, kappa=20.0,
    )  # fmt: skip
    batch = run.batch(0)
    assert batch.images is not None
    got = run.method.losses(batch)
    trace = run.backbone.trace(batch.images, TraceRequest(layers, True, branch, 3))
    text, labels = run.backbone.text_features(toy.NAMES, toy.TEMPLATE), batch.labels
    assert trace.attention is not None
    assert trace.branch is not None
    assert trace.patches is not None
    features = run.backbone.image_features(batch.images)
    logits = losses.margin_logits(features, text, labels, run.backbone.logit_scale, 0.3)
    targets = losses.semantic_targets(losses.semantic_distribution(text, 20.0), labels, 0.8, False)
    want = {
        "classification": losses.cross_entropy(logits, targets),
        "attention_alignment": 2.5
        * losses.attention_alignment(trace.attention, trace.branch, text[labels], False),
        "similarity_alignment": 2.5
        * losses.similarity_alignment(trace.patches, trace.branch, text, labels, "all", False),
    }
    assert set(got) == set(want)
    for key, value in want.items():
        torch.testing.assert_close(got[key], value)


@pytest.mark.parametrize(
    ("change", "term"),
    [
        ({"margin": 0.1}, "classification"),
        ({"epsilon": 0.6}, "classification"),
        ({"kappa": 5.0}, "classification"),
        ({"normalise_targets": True}, "classification"),
        ({"semantic_smoothing": False}, "classification"),
        ({"semantic_smoothing": False, "label_smoothing": 0.1}, "classification"),
        ({"aligned_layers": 1}, "attention_alignment"),
        ({"similarity_classes": "label"}, "similarity_alignment"),
        ({"branch_depth": 1}, "similarity_alignment"),
        ({"alignment_weight": 1.0}, "similarity_alignment"),
    ],
)
def test_every_setting_changes_its_term(
    backbone: Backbone, change: dict[str, Any], term: str
) -> None:
    assert first_terms(backbone, **change)[term] != first_terms(backbone)[term]


def test_no_smoothing_is_another_thing_than_epsilon_one(backbone: Backbone) -> None:
    one = first_terms(backbone, epsilon=1.0)
    none = first_terms(backbone, semantic_smoothing=False)
    assert one["classification"] > none["classification"]


def gradients(backbone: Backbone, **config: Any) -> dict[str, torch.Tensor]:
    run = toy.build("alignclip", backbone, semantic_smoothing=False, **config)
    torch.stack(list(run.method.losses(run.batch(0)).values())).sum().backward()
    return {k: p.grad for k, p in run.parameters.items() if p.grad is not None}


def test_detaching_changes_gradients_not_losses(backbone: Backbone) -> None:
    assert first_terms(backbone, detach_target=True) == first_terms(backbone)
    through, stopped = gradients(backbone), gradients(backbone, detach_target=True)
    key = "transformer.resblocks.2.attn.out_proj.weight"
    assert not torch.allclose(through[key], stopped[key], rtol=1e-3, atol=0)


def test_presets_are_the_two_forms() -> None:
    cls = registry.method_class("alignclip")
    official, paper = (cls.Config(**cls.presets[name]) for name in ("official", "paper"))
    assert official == cls.Config()
    changed = {k: v for k, v in paper.model_dump().items() if v != official.model_dump()[k]}
    assert changed == {
        "detach_target": True, "similarity_classes": "label", "normalise_targets": True,
    }  # fmt: skip


def test_without_the_average_the_last_weights_are_tested(backbone: Backbone) -> None:
    run = toy.build("alignclip", backbone, averaging=False)
    assert run.method.averager(run.parameters, 10) is None
    cls = registry.method_class("alignclip")
    assert cls.selection_of(run.method.config) == "last"
    assert cls.selection_of(cls.Config()) == "averaged"


@pytest.mark.parametrize("change", [{"aligned_layers": 4}, {"branch_depth": 4}])
def test_more_layers_than_the_tower_has(backbone: Backbone, change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"alignclip.*=4.*has 3 attention blocks; ask for") as error:
        toy.build("alignclip", backbone, **change)
    assert "\n" not in str(error.value)


def test_unused_layers_are_not_checked(backbone: Backbone) -> None:
    toy.build("alignclip", backbone, aligned_layers=9, branch_depth=9, **OFF)


def test_two_smoothings_are_refused() -> None:
    config = registry.method_class("alignclip").Config
    with pytest.raises(UserError, match="set semantic_smoothing=false"):
        validated(config, {"label_smoothing": 0.1}, "method 'alignclip'")


@pytest.mark.parametrize("wrong", [{"epsilon": 0}, {"branch": "x-x"}, {"similarity_classes": "no"}])
def test_values_out_of_range(wrong: dict[str, Any]) -> None:
    config = registry.method_class("alignclip").Config
    with pytest.raises(UserError, match=f"field '{next(iter(wrong))}' is"):
        validated(config, wrong, "method 'alignclip'")
