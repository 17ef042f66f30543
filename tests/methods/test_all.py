"""What every method owes: gradients where it says, finite losses, learning, plain inference."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.method import TrainConfig
from tests.methods import toy

NAMES = sorted(toy.SMALL)
TRAINED = [name for name in NAMES if registry.method_class(name).trains]
FROZEN = [name for name in TRAINED if registry.method_class(name).frozen_image_tower]
LEARNERS: list[tuple[str, dict[str, Any]]] = [
    ("finetune", {}),
    ("clipood", {}),
    ("alignclip", {}),
    (
        "alignclip",
        {"detach_target": True, "similarity_classes": "label", "normalise_targets": True},
    ),
    ("label_smoothing", {}),
    ("average_pooling", {}),
    ("tes", {}),
    ("wise_ft", {}),
    ("wise_ft", {"train_head": True}),
]


def test_all_are_found() -> None:
    found = registry.discover("methods")
    assert set(NAMES) <= set(found.plugins)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is(name: str) -> None:
    cls = registry.method_class(name)
    assert cls.name == name
    assert 0 < len(cls.summary) < 60
    assert "\n" not in cls.summary
    assert "arXiv" in cls.citation or "doi" in cls.citation
    assert cls.trains == issubclass(cls.Config, TrainConfig)


@pytest.mark.parametrize("name", NAMES)
def test_config_through_json(name: str) -> None:
    cls = registry.method_class(name)
    for values in ({}, *cls.presets.values()):
        config = cls.Config.model_validate(values)
        assert cls.Config.model_validate_json(config.model_dump_json()) == config
        assert cls.Config.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("name", "preset"), [(n, p) for n in NAMES for p in registry.method_class(n).presets]
)
def test_presets_name_fields_and_set_what_they_say(name: str, preset: str) -> None:
    cls = registry.method_class(name)
    values = cls.presets[preset]
    dumped = cls.Config.model_validate(values).model_dump(mode="json")
    assert {key: dumped[key] for key in values} == dict(values)


@pytest.mark.parametrize("name", TRAINED)
def test_gradient_reaches_what_trains_and_nothing_else(name: str, backbone: Backbone) -> None:
    run = toy.build(name, backbone)
    # Gradients are allowed everywhere: what does not train must stay out by its own.
    run.backbone.model.requires_grad_(True)
    torch.stack(list(run.method.losses(run.batch(0)).values())).sum().backward()
    for key, parameter in run.parameters.items():
        assert parameter.grad is not None, f"{key} trains but gets no gradient"
        # The key's bias cancels in a softmax over keys; its gradient is rounding.
        assert parameter.grad.abs().max() > 0, f"{key} trains but its gradient is zero"
    mine = {id(p) for p in run.parameters.values()}
    tower = {id(p) for p in run.backbone.visual.parameters()}
    if mine & tower:
        assert tower <= mine
        strays = [k for k, p in run.backbone.model.named_parameters()
                  if p.grad is not None and id(p) not in mine]  # fmt: skip
        assert strays == []
    run.backbone.model.zero_grad()
    run.backbone.model.requires_grad_(False)


def test_coop_trains_the_context_only(backbone: Backbone) -> None:
    run = toy.build("coop", backbone)
    torch.stack(list(run.method.losses(run.batch(0)).values())).sum().backward()
    assert {k: tuple(p.shape) for k, p in run.parameters.items()} == {"context": (4, 16)}
    assert all(p.grad is None for p in run.backbone.model.parameters())


@pytest.mark.parametrize("name", TRAINED)
def test_losses_are_finite_scalars_and_repeatable(name: str, backbone: Backbone) -> None:
    first, second = (toy.build(name, backbone, seed=3) for _ in range(2))
    terms, again = first.method.losses(first.batch(0)), second.method.losses(second.batch(0))
    assert "classification" in terms
    for key, value in terms.items():
        assert value.shape == ()
        assert value.dtype == torch.float32
        assert torch.isfinite(value)
        assert torch.equal(value, again[key])


@pytest.mark.parametrize("name", NAMES)
def test_image_features_do_not_depend_on_the_classes(name: str, backbone: Backbone) -> None:
    run = toy.build(name, backbone)
    images, _ = toy.pictures(6, seed=0)
    with torch.no_grad():
        before = run.method.image_features(images)
        for classes in (toy.NAMES, toy.UNSEEN, (*toy.UNSEEN, *toy.NAMES)):
            logits = run.method.logits(before, classes)
            assert logits.shape == (6, len(classes))
            assert logits.dtype == torch.float32
        after = run.method.image_features(images)
    assert torch.equal(before, after)
    torch.testing.assert_close(before.norm(dim=-1), torch.ones(6))


@pytest.mark.parametrize("name", NAMES)
def test_a_class_has_one_logit_whatever_its_neighbours(name: str, backbone: Backbone) -> None:
    run = toy.build(name, backbone)
    with torch.no_grad():
        features = run.method.image_features(toy.pictures(6, seed=0)[0])
        few = run.method.logits(features, toy.UNSEEN)
        many = run.method.logits(features, (*toy.NAMES, *toy.UNSEEN))
    torch.testing.assert_close(few, many[:, 3:])


@pytest.mark.parametrize(("name", "config"), LEARNERS)
def test_learns(name: str, config: dict[str, Any], backbone: Backbone) -> None:
    run = toy.build(name, backbone, steps=150, lr=1e-3, **config)
    start = run.accuracy()
    totals, average = toy.train(run)
    assert sum(totals[-10:]) < 0.7 * sum(totals[:10])
    assert run.accuracy() > max(0.9, start)
    if average is not None:
        with average.swapped():
            assert run.accuracy() > max(0.9, start)


@pytest.mark.parametrize("config", [{}, {"class_position": "front"}, {"class_specific": True}])
def test_coop_learns_with_its_own_learning_rate(config: dict[str, Any], tuned: Backbone) -> None:
    run = toy.build("coop", tuned, seed=1, steps=150, **config)
    start = run.accuracy()
    totals, _ = toy.train(run)
    assert sum(totals[-10:]) < 0.7 * sum(totals[:10])
    assert run.accuracy() > max(0.9, start)


@pytest.mark.parametrize("name", TRAINED)
def test_says_when_a_batch_has_not_what_it_needs(name: str, backbone: Backbone) -> None:
    frozen = name in FROZEN
    other = toy.build("finetune" if frozen else "coop", backbone).batch(0)
    with pytest.raises(ValueError, match="no features" if frozen else "no images"):
        toy.build(name, backbone).method.losses(other)


@pytest.mark.parametrize("name", FROZEN)
def test_a_frozen_image_tower_gives_zero_shots_features(name: str, backbone: Backbone) -> None:
    run = toy.build(name, backbone, steps=2)
    toy.train(run)
    images, _ = toy.pictures(4, seed=0)
    assert torch.equal(run.method.image_features(images), backbone.image_features(images))
