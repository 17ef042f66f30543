"""Build a method so that exactly what it names trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from harness.clip.backbone import Backbone
from harness.method import Method, Task, TrainConfig
from harness.prompts import Template
from harness.protocols.splits import Sources
from harness.seeding import derive


@dataclass(frozen=True)
class BuiltMethod:
    """A method, ready to train or to use."""

    method: Method[Any]
    backbone: Backbone
    """Its own copy of the image tower."""
    parameters: dict[str, torch.nn.Parameter]
    """What trains, by the names the method gave."""


def make_task(method: Method[Any], sources: Sources, template: Template, seed: int) -> Task:
    """Return what a method may know of a run's problem."""
    config = method.config
    return Task(
        class_names=sources.class_names,
        template=template,
        source_domains=tuple(sources.train),
        steps=config.steps if isinstance(config, TrainConfig) else 0,
        seed=seed,
    )


def build_method(method: Method[Any], backbone: Backbone, task: Task) -> BuiltMethod:
    """Build `method` on its own copy of the image tower; gradients on what it trains only.

    Args:
        method: Not yet built.
        backbone: A fork, which the method may change.
        task: What the method may know.

    Raises:
        UserError: What the method finds wrong, with the model first.
    """
    # For methods that draw initial values with torch's global generator in spite of task.seed.
    torch.manual_seed(derive("build", task.seed))
    method.check_tower(method.config, backbone)
    parameters = method.build(backbone, task)
    for parameter in backbone.model.parameters():
        parameter.requires_grad_(False)
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    return BuiltMethod(method, backbone, parameters)
