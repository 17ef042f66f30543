"""A method on random images, ready to take training steps and to classify."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.load import load_backbone, random_backbone
from harness.cost.record import Candidate, CostSetting
from harness.method import Batch, Method, Task, TrainConfig
from harness.seeding import derive, generator
from harness.store import provenance
from harness.training.build import build_method
from harness.training.step import Trainer
from harness.validation import validated

TEMPLATE = "a photo of a {}."
DOMAINS = ("first", "second", "third")
BLOCK_SECONDS = 0.2
BLOCK_CALLS = 20
LEAST_STEPS = 100
"""Of the run that the measured steps are the beginning of; more than are ever taken."""


def prepare_backbone(setting: CostSetting) -> Backbone:
    """Load the backbone, or build it with random weights, under the setting's threads.

    Raises:
        UserError: If there is no such model.
    """
    torch.set_num_threads(setting.threads)
    torch.manual_seed(derive("random weights"))
    make = random_backbone if setting.random_weights else load_backbone
    return make(setting.model, setting.device)


class Subject:
    """A method built on its own copy of the image tower, with its optimiser and average.

    It does what a run does, by the same functions. The batch is the setting's for every method,
    whatever their configurations say, and shared equally by three source domains.
    """

    def __init__(self, candidate: Candidate, setting: CostSetting, backbone: Backbone) -> None:
        cls = registry.method_class(candidate.method)
        values = dict(candidate.config)
        if cls.trains:  # a step costs the same in a longer run
            values["steps"] = max(int(values["steps"]), LEAST_STEPS)
        config = validated(cls.Config, values, f"method '{candidate.method}'")
        self.method: Method[Any] = cls(config)
        self.setting = setting
        self.backbone = backbone.fork()
        self.class_names = tuple(f"thing {i}" for i in range(1, setting.classes + 1))
        steps = config.steps if isinstance(config, TrainConfig) else 0
        task = Task(self.class_names, TEMPLATE, DOMAINS, steps, 0)
        self.parameters = build_method(self.method, self.backbone, task).parameters
        self.images = _images(setting.batch, self.backbone)
        self.taken = 0
        if cls.trains:
            self.batch = _batch(self.method, self.images, setting, self.backbone)
            self.trainer = Trainer.begin(self.method, self.parameters, self.backbone)

    def total_parameters(self) -> int:
        """Count the parameters of both towers and of what the method added and trains."""
        every = [*self.backbone.model.parameters(), *self.parameters.values()]
        return sum(p.numel() for p in {id(p): p for p in every}.values())

    def trained_parameters(self) -> int:
        """Count what ``build`` returned."""
        return sum(p.numel() for p in self.parameters.values())

    def step(self) -> None:
        """Take the next training step: losses, backward, optimiser, average."""
        self.trainer.step(self.batch, self.taken)
        self.taken += 1

    @torch.no_grad()
    def classify(self, images: Tensor) -> Tensor:
        """Return logits [B, C] of images [B, 3, H, W]."""
        return self.method.logits(self.method.image_features(images), self.class_names)

    def milliseconds(self, work: Callable[[], object]) -> list[float]:
        """Time `work` again and again for a fifth of a second, at least once, at most 20 times."""
        times: list[float] = []
        while len(times) < BLOCK_CALLS and sum(times) < BLOCK_SECONDS * 1e3:
            times.append(elapsed_ms(work, self.backbone.device))
        return times

    def peak_memory_mb(self) -> float:
        """Return the peak in MiB over a training step after the first, or over inference.

        Of the process on the CPU: call it in a fresh one.
        """
        trains = self.method.trains
        work = self.step if trains else lambda: self.classify(self.images)
        work()  # the optimiser's state is made in the first step
        provenance.reset_peak_memory(self.setting.device)
        work()
        return provenance.peak_memory_mb(self.setting.device)


def elapsed_ms(work: Callable[[], object], device: torch.device) -> float:
    """Return how long `work` takes, the device's queue included."""
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return (time.perf_counter() - start) * 1e3


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _images(count: int, backbone: Backbone) -> Tensor:
    size = backbone.preprocess.image_size
    images = torch.randn(count, 3, size, size, generator=generator("cost images"))
    return images.to(backbone.device)


def _batch(method: Method[Any], images: Tensor, setting: CostSetting, backbone: Backbone) -> Batch:
    count, draw = len(images), generator("cost batch")
    labels = torch.randint(setting.classes, (count,), generator=draw).to(backbone.device)
    domains = (torch.arange(count) * len(DOMAINS) // count).to(backbone.device)
    if not method.frozen_image_tower:
        return Batch(labels, domains, 0, images=images)
    features = torch.randn(count, backbone.embed_dim, generator=draw).to(backbone.device)
    return Batch(labels, domains, 0, features=F.normalize(features, dim=-1))
