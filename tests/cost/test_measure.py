"""Measurements of every method on a tiny tower."""

from __future__ import annotations

import pytest
import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.load import random_backbone
from harness.cost.measure import Measurement
from harness.errors import UserError
from harness.method import Task
from harness.specs import ModelSpec
from tests.cost.test_flops import EMBED, FORWARD
from tests.cost.tiny import CLASSES, candidate, setting
from tests.methods import toy


def trained_by_build(name: str, backbone: Backbone) -> int:
    cls = registry.method_class(name)
    method = cls(cls.Config.model_validate(toy.SMALL.get(name, {})))
    task = Task(("a", "b", "c", "d", "e"), toy.TEMPLATE, ("x", "y", "z"), 100, 0)
    return sum(p.numel() for p in method.build(backbone.fork(), task).values())


class StopAt:
    """Press Ctrl-C when a given part of the measurement begins."""

    def __init__(self, what: str, label: str = "") -> None:
        self.what, self.label = what, label
        self.seen: list[tuple[str, str]] = []

    def __call__(self, label: str, what: str) -> None:
        self.seen.append((label, what))
        if what == self.what and label.startswith(self.label):
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", sorted(registry.discover("methods").plugins))
def test_every_method_can_be_measured(name: str, backbone: Backbone) -> None:
    before = {key: value.clone() for key, value in backbone.model.state_dict().items()}
    measurement = Measurement([candidate(name)], setting(backbone), backbone, StopAt("memory"))
    assert measurement.measure(1) is False
    row = measurement.rows[name]
    assert row.trained_parameters == trained_by_build(name, backbone)
    assert row.uncounted == ()
    assert row.inference_flops >= FORWARD
    assert len(row.inference_ms) == 1
    assert row.total_parameters >= sum(p.numel() for p in backbone.model.parameters())
    if row.trains:
        assert row.trained_parameters > 0
        assert row.step_flops is not None
        assert row.step_flops > 0
        assert row.step_ms[0] > 0
    else:
        assert (row.step_flops, row.step_ms) == (None, [])
    after = backbone.model.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())


def test_counts_are_those_of_one_image_and_one_step(backbone: Backbone) -> None:
    methods = [candidate(name) for name in ("zero_shot", "coop", "clipood")]
    measurement = Measurement(methods, setting(backbone), backbone, StopAt("memory"))
    measurement.measure(1)
    zero_shot, coop, clipood = measurement.rows.values()
    # the text features are there already, also CoOp's
    assert zero_shot.inference_flops == FORWARD + 2 * EMBED * CLASSES
    assert coop.inference_flops == clipood.inference_flops == zero_shot.inference_flops
    tower = sum(p.numel() for p in backbone.visual.parameters())
    assert clipood.trained_parameters == tower
    assert coop.trained_parameters == 4 * 16  # n_ctx vectors of the text tower's width
    assert coop.total_parameters == zero_shot.total_parameters + coop.trained_parameters
    assert clipood.total_parameters == zero_shot.total_parameters


def test_methods_take_turns_and_each_round_begins_with_another(backbone: Backbone) -> None:
    methods = [candidate(name) for name in ("zero_shot", "finetune")]
    note = StopAt("memory")
    measurement = Measurement(methods, setting(backbone), backbone, note)
    measurement.measure(3)
    assert [label for label, what in note.seen if what.startswith("round")] == [
        "zero_shot",
        "finetune",
        "finetune",
        "zero_shot",
        "zero_shot",
        "finetune",
    ]
    assert [len(row.inference_ms) for row in measurement.rows.values()] == [3, 3]


def test_an_interrupt_keeps_complete_rounds_only(backbone: Backbone) -> None:
    methods = [candidate(name) for name in ("zero_shot", "finetune")]
    halfway = Measurement(methods, setting(backbone), backbone, StopAt("round 2", "zero_shot"))
    assert halfway.measure(5) is False
    assert halfway.rounds == 1
    assert [len(row.inference_ms) for row in halfway.rows.values()] == [1, 1]
    too_early = Measurement(methods, setting(backbone), backbone, StopAt("round 1", "finetune"))
    with pytest.raises(KeyboardInterrupt):
        too_early.measure(5)


def test_random_weights_need_no_download_and_refuse_others(backbone: Backbone) -> None:
    made = random_backbone(ModelSpec(name="ViT-S-32-alt"))
    assert made.image_features(torch.randn(1, 3, 224, 224)).shape == (1, made.embed_dim)
    assert not any(p.requires_grad for p in made.model.parameters())
    for spec in (ModelSpec(name="tiny-emoji"), ModelSpec(name="ViT-B-16", pretrained="openai")):
        with pytest.raises(UserError, match="names weights of its own"):
            random_backbone(spec)
    with pytest.raises(UserError, match="unknown model 'ViT-B-17'"):
        random_backbone(ModelSpec(name="ViT-B-17"))
