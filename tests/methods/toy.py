"""A problem that a tiny random CLIP can learn, and a training loop of a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness import registry
from harness.clip.backbone import Backbone
from harness.method import Batch, Method, Task, TrainConfig
from harness.training.averaging import WeightAverage
from harness.training.build import build_method
from harness.training.step import Trainer

NAMES = ("red stripes", "green disc", "blue corner")
UNSEEN = ("yellow_cat", "a very grey dog")
ODD = ("St. Bernard", "t-shirt", "rock_n_roll", "4x4", "o'clock")
TEMPLATE = "a photo of a {}."
SMALL: dict[str, dict[str, Any]] = {
    "zero_shot": {},
    "finetune": {},
    "label_smoothing": {},
    "average_pooling": {},
    "tes": {},
    "wise_ft": {},
    "clip_surgery": {"depth": 2},
    "clipood": {},
    "alignclip": {"aligned_layers": 2, "branch_depth": 2},
    "coop": {"n_ctx": 4},
    "cocoop": {"reduction": 2},
    "maple": {"depth": 2},
}
"""Settings with which each method fits a tower of three blocks and 24 text tokens."""


def pictures(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return images [count, 3, 16, 16] of the three classes in noise, and labels [count]."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (count,), generator=draw)
    across = torch.arange(16.0)
    stripes = (across // 2 % 2).expand(16, 16)
    disc = ((across[:, None] - 8) ** 2 + (across - 8) ** 2 < 25).float()
    corner = ((across[:, None] < 7) & (across < 7)).float()
    patterns = torch.zeros(3, 3, 16, 16)
    for channel, pattern in enumerate((stripes, disc, corner)):
        patterns[channel, channel] = 3 * pattern
    noise = torch.randn(count, 3, 16, 16, generator=draw)
    return patterns[labels] + 0.5 * noise, labels


@dataclass
class Run:
    """A method, built on its own copy of the backbone, ready to train."""

    method: Method[Any]
    backbone: Backbone
    parameters: dict[str, torch.nn.Parameter]

    def batch(self, step: int, size: int = 24) -> Batch:
        images, labels = pictures(size, seed=100 + step)
        domains = torch.zeros_like(labels)
        if self.method.frozen_image_tower:
            with torch.no_grad():
                features = self.backbone.image_features(images)
            return Batch(labels, domains, step, features=features)
        return Batch(labels, domains, step, images=images)

    @torch.no_grad()
    def accuracy(self) -> float:
        images, labels = pictures(300, seed=1)
        logits = self.method.logits(self.method.image_features(images), NAMES)
        return float((logits.argmax(dim=1) == labels).float().mean())


def build(name: str, backbone: Backbone, seed: int = 0, **config: Any) -> Run:
    """Build a method as the engine does: gradients on what it names and nothing else."""
    cls = registry.method_class(name)
    settings = cls.Config.model_validate({**SMALL[name], **config})
    method = cls(settings)
    own = backbone.fork()
    steps = settings.steps if isinstance(settings, TrainConfig) else 0
    task = Task(NAMES, TEMPLATE, ("sketch",), steps, seed)
    parameters = build_method(method, own, task).parameters
    return Run(method, own, parameters)


def train(run: Run) -> tuple[list[float], WeightAverage | None]:
    """Train for the configured steps; return the total loss of each and the average."""
    trainer = Trainer.begin(run.method, run.parameters, run.backbone)
    steps = range(run.method.config.steps)
    return [
        sum(trainer.step(run.batch(step), step).read().values()) for step in steps
    ], trainer.average
