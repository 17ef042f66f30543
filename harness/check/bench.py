"""The small problem on which a method is tried: the embedded model and data, a few steps."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from torch import Tensor

from harness import registry
from harness.clip.backbone import Backbone
from harness.clip.load import load_backbone
from harness.data.bank import ImageBank
from harness.dataset import Dataset
from harness.execution.context import Context
from harness.method import Batch, Method, Task
from harness.protocols import Protocol
from harness.protocols.domain_shift import DomainShift
from harness.protocols.splits import Sources
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.sweep import plan
from harness.training.batches import Batches
from harness.training.build import build_method, make_task
from harness.training.step import Trainer

STEPS = 6
# Large enough that what differs between two runs shows in the rounded digits of a record.
_RECIPE: dict[str, Any] = {
    "steps": STEPS, "batch_per_domain": 2, "lr": 1e-3, "warmup_steps": 0, "feature_views": 1,
}  # fmt: skip


@dataclass
class Bench:
    """Model and data, loaded once for all plugins that are checked."""

    model: ModelSpec = field(default_factory=lambda: ModelSpec(name="tiny-emoji"))
    dataset: DatasetSpec = field(default_factory=lambda: DatasetSpec(name="emoji"))
    data_root: Path | None = None
    protocol: Protocol = field(default_factory=lambda: DomainShift(test_on="out"))

    def __post_init__(self) -> None:
        torch.set_num_threads(1)  # as in the worker that a run is compared with
        self._folder = tempfile.TemporaryDirectory(prefix="check-")
        self.folder = Path(self._folder.name)

    @cached_property
    def opened(self) -> Dataset:
        """The data set."""
        return plan.open_dataset(self.dataset, self.data_root)

    @cached_property
    def target(self) -> str:
        """The held-out domain."""
        return self.opened.domains[0]

    @cached_property
    def parts(self) -> Sources:
        """The source domains' samples."""
        return self.protocol.sources(self.opened, self.target, 0)

    @cached_property
    def pretrained(self) -> Backbone:
        """The pretrained model; no plugin ever gets hold of this copy."""
        return load_backbone(self.model, "cpu")

    @cached_property
    def bank(self) -> ImageBank:
        """The data set's images."""
        return ImageBank(self.opened, self.pretrained, self.folder / "cache")

    @cached_property
    def images(self) -> Tensor:
        """[6, 3, H, W] float32, normalised: images of the first source domain."""
        samples = next(iter(self.parts.train.values()))
        return self.bank.test_images(samples[:: max(1, len(samples) // 6)][:6])

    def context(self, store: str) -> Context:
        """Return where engine runs happen: a folder that goes with the bench."""
        return Context(
            store=self.folder / store,
            data_root=self.data_root,
            cache=self.folder / "cache",
            plugins=tuple(registry.plugin_files()),
        )


@dataclass
class Trial:
    """A method, built as the engine builds it, on a model that a plugin may spoil."""

    method: Method[Any]
    shared: Backbone
    """Stands for the pretrained model that all runs of a process share."""
    own: Backbone
    """The run's fork of it."""
    parameters: dict[str, torch.nn.Parameter]
    batches: Batches | None

    def batch(self, step: int) -> Batch:
        """Return the training batch of the 0-based `step`."""
        assert self.batches is not None  # checks that need it are of methods that train
        return self.batches(step)

    def total(self, batch: Batch) -> Tensor:
        """Return the sum of the loss terms."""
        terms = self.method.losses(batch).values()
        return torch.stack([term.float() for term in terms]).sum()


@dataclass
class Subject:
    """A method under test."""

    cls: type[Method[Any]]
    bench: Bench
    given: dict[str, Any] = field(default_factory=dict)
    """Parameters to try it with, beside the short recipe."""
    outcome: Any = None
    """The whole run, kept by `harness.check.engine` for the checks that compare with it."""
    token: str = field(default_factory=lambda: uuid4().hex)
    """Of its stores: a method of the same name that was tried before has others."""

    @property
    def recipe(self) -> dict[str, Any]:
        """The parameters it is tried with: a short recipe, then what was given."""
        fields = self.cls.Config.model_fields
        short = {key: value for key, value in _RECIPE.items() if key in fields}
        return short | self.given

    @property
    def closed_set(self) -> bool:
        """Whether the method says that it classifies only classes it was trained on."""
        choice = plan.resolve_method(self.cls.name, self.recipe)
        return self.cls.closed_set(self.cls.Config.model_validate(choice.config))

    def spec(self) -> RunSpec:
        """Return the run that the engine's checks make."""
        choice = plan.resolve_method(self.cls.name, self.recipe)
        bench = self.bench
        (spec,) = plan.expand(
            [choice], bench.model, bench.dataset, bench.protocol, [bench.target], [0], bench.opened
        )
        return spec

    def make(self) -> tuple[Method[Any], Task]:
        """Return the method, not built, and its task."""
        choice = plan.resolve_method(self.cls.name, self.recipe)
        method = self.cls(self.cls.Config.model_validate(choice.config))
        return method, make_task(method, self.bench.parts, self.bench.opened.prompts, 0)

    def copied(self) -> Backbone:
        """Return a copy of the pretrained model that a plugin may spoil."""
        pretrained = self.bench.pretrained
        return replace(pretrained, model=copy.deepcopy(pretrained.model), _texts={})

    def build(self) -> Trial:
        """Build it on a fork of a copy of the pretrained model; gradients on what it trains."""
        method, task = self.make()
        shared = self.copied()
        built = build_method(method, shared.fork(), task)
        batches = None
        if method.trains:
            batches = Batches(method, self.bench.bank, self.bench.parts, seed=0)
        return Trial(method, shared, built.backbone, built.parameters, batches)


def advance(trial: Trial, steps: int, batch: Batch | None = None) -> set[str]:
    """Take training steps as a run does, on one batch or on successive ones.

    Returns:
        The names of the parameters that a gradient other than zero reached at some step.
    """
    trainer = Trainer.begin(trial.method, trial.parameters, trial.own)
    reached: set[str] = set()
    for step in range(steps):
        trainer.step(batch or trial.batch(step), step)
        reached |= {
            name
            for name, p in trial.parameters.items()
            if p.grad is not None and bool(p.grad.abs().max() > 0)
        }
    return reached
