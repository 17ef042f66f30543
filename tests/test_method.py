"""The contract of a method: what a plugin that says nothing special gets."""

from __future__ import annotations

import pytest
import torch

from harness.method import Batch, Method, MethodConfig, TrainConfig


class Plain(Method[TrainConfig]):
    name, summary, citation = "plain", "", ""
    Config = TrainConfig


def test_what_a_plugin_need_not_write() -> None:
    method = Plain(TrainConfig())
    assert method.averager({}, 3) is None
    assert method.state_dict() == {}
    method.load_state_dict({})
    method.after_step(1)
    assert Plain.selection_of(TrainConfig()) == "last"
    assert not Plain.closed_set(TrainConfig())


def test_what_a_plugin_must_write_is_named() -> None:
    method, images = Plain(TrainConfig()), torch.zeros(1, 3, 2, 2)
    batch = Batch(labels=torch.zeros(1), domains=torch.zeros(1), step=1)
    calls = {
        "losses": lambda: method.losses(batch),
        "image_features": lambda: method.image_features(images),
        "logits": lambda: method.logits(images, ("a",)),
    }
    for hook, call in calls.items():
        with pytest.raises(NotImplementedError, match=f"Plain.{hook}"):
            call()


def test_the_weights_tested_are_the_class_s_choice() -> None:
    class Averaged(Plain):
        own_selection = "averaged"

    assert Averaged.selection_of(TrainConfig()) == "averaged"


def test_a_configuration_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        TrainConfig().steps = 3  # type: ignore[misc]
    assert issubclass(TrainConfig, MethodConfig)
