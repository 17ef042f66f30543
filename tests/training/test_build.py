"""A method is built so that exactly what it names trains."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.dataset import Sample
from harness.errors import UserError
from harness.method import Method, MethodConfig, TrainConfig
from harness.protocols.splits import Sources
from harness.training.build import build_method, make_task


class Tower:
    """As much of a backbone as is looked at."""

    def __init__(self) -> None:
        self.model = torch.nn.Linear(2, 2)


class Drawn(Method[MethodConfig]):
    """A method that trains the weight and a vector of its own, drawn from torch's generator."""

    def build(self, backbone: Any, task: Any) -> dict[str, torch.nn.Parameter]:
        drawn = torch.nn.Parameter(torch.rand(3), requires_grad=False)
        return {"weight": backbone.model.weight, "drawn": drawn}


SOURCES = Sources(
    train={"a": (Sample("1", 0, "a"),), "b": ()}, val={}, class_names=("x", "y")
)  # fmt: skip


def task(config: MethodConfig, seed: int = 0) -> Any:
    return make_task(Drawn(config), SOURCES, "a {}.", seed)


def test_a_task_says_nothing_of_the_target() -> None:
    found = task(TrainConfig(steps=7), seed=3)
    assert (found.source_domains, found.class_names) == (("a", "b"), ("x", "y"))
    assert (found.template, found.steps, found.seed) == ("a {}.", 7, 3)
    assert task(MethodConfig()).steps == 0  # it does not train


def test_gradients_are_on_what_is_named_only() -> None:
    config, tower = TrainConfig(), Tower()
    built = build_method(Drawn(config), tower, task(config))  # type: ignore[arg-type]
    assert {name for name, p in built.parameters.items() if p.requires_grad} == {"weight", "drawn"}
    assert not tower.model.bias.requires_grad


def test_what_is_drawn_follows_the_seed_and_nothing_before_it() -> None:
    drawn = []
    for seed in (0, 0, 1):
        torch.rand(seed + len(drawn))
        config = TrainConfig()
        built = build_method(Drawn(config), Tower(), task(config, seed))  # type: ignore[arg-type]
        drawn.append(built.parameters["drawn"].tolist())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_tower_that_cannot_is_refused_before_anything_is_built() -> None:
    class Picky(Drawn):
        @classmethod
        def check_tower(cls, config: MethodConfig, backbone: Any) -> None:
            raise UserError(f"{backbone.model.in_features} inputs")

        def build(self, backbone: Any, task: Any) -> dict[str, torch.nn.Parameter]:
            raise AssertionError

    config = TrainConfig()
    tower: Any = Tower()
    with pytest.raises(UserError, match="2 inputs"):
        build_method(Picky(config), tower, task(config))
