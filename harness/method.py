"""The contract between the engine and a method plugin (a file in methods/).

A method never sees files, Slurm or tables. The engine calls, in this order: ``build`` once,
then for every step ``losses`` (the sum is minimised) and ``after_step``, and at the end
``image_features`` and ``logits`` with the weights that the run's selection names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import Field, field_validator

from harness.prompts import Template
from harness.validation import Written

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from harness.clip.backbone import Backbone
    from harness.training.averaging import WeightAverage
    from harness.tune.space import Space


class MethodConfig(Written):
    """Base of every method's configuration: frozen, unknown keys refused, JSON both ways."""


class TrainConfig(MethodConfig):
    """The recipe every trained method has. Defaults are CLIPood's; a method overrides its own."""

    steps: int = Field(5000, ge=1)
    """Optimiser steps."""
    batch_per_domain: int = Field(12, ge=1)
    """Images of each source domain in a step."""
    lr: float = Field(5e-6, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of SGD; AdamW keeps its usual betas (0.9, 0.999)."""
    clip_norm: float = Field(0.0, ge=0)
    """Longest gradient, all trained parameters together; a longer one is shortened to it. 0: any.
    """
    micro_batch: int = Field(0, ge=0)
    """Images in one forward pass: a batch is worked off in parts whose gradients add up, for GPUs
    of little memory. Equal up to rounding; 0: the whole batch."""
    schedule: Literal["cosine", "constant", "warmup_cosine"] = "cosine"
    """Cosine to zero over all steps, none, or a linear rise and then cosine over the rest."""
    warmup_steps: int = Field(0, ge=0)
    """Steps at `warmup_lr`, which are then an epoch of the cosine (CoOp; see
    `harness.training.optimiser.learning_rate`); of the rise, in `warmup_cosine`."""
    warmup_lr: float = Field(1e-5, gt=0)
    """Rate of the warm-up steps; `warmup_cosine` rises to `lr` instead."""
    crop_scale: tuple[float, float] = (0.7, 1.0)
    """Area range of the random resized crop: shares in 0..1, the smaller first."""
    crop_interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    """Interpolation of the crop's resize, as Pillow does it."""
    flip: bool = True
    """Horizontal flips with probability one half."""
    feature_views: int = Field(0, ge=0)
    """For methods with a frozen image tower: augmented views per image whose features are computed
    once and drawn from; 0 uses the image as it is."""
    eval_every: int = Field(0, ge=0)
    """Steps between source validations for selection `best`; 0 is a tenth of the steps."""

    @field_validator("crop_scale")
    @classmethod
    def _a_range(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if not 0 < scale[0] <= scale[1] <= 1:
            raise ValueError("give the smaller share first, both above 0 and at most 1")
        return scale


@dataclass(frozen=True)
class Task:
    """What a method may know of the problem: nothing of the target domain."""

    class_names: tuple[str, ...]
    """The C training classes, as a prompt says them."""
    template: Template
    """Prompt with one ``{}``, e.g. ``a photo of a {}.``, or several that stand for one: hand it to
    ``backbone.text_features`` as it is."""
    source_domains: tuple[str, ...]
    steps: int
    """Optimiser steps of this run (0 for a method that does not train)."""
    seed: int


@dataclass(frozen=True)
class Batch:
    """One training batch: the same number of images from each source domain, concatenated."""

    labels: Tensor
    """[B] int64, indices into ``Task.class_names``."""
    domains: Tensor
    """[B] int64, indices into ``Task.source_domains``."""
    step: int
    images: Tensor | None = None
    """[B, 3, H, W] float32, normalised; None for a method with ``frozen_image_tower``."""
    features: Tensor | None = None
    """[B, D] float32 unit norm, of the frozen tower; only with ``frozen_image_tower``."""


ConfigT = TypeVar("ConfigT", bound=MethodConfig)


class Method(Generic[ConfigT]):
    """Base of the plugins: what a method that does nothing special need not write.

    Class attributes a plugin sets: ``name``, ``summary`` (one line), ``citation`` (paper, venue,
    doi or arXiv id), ``Config`` and, where they differ from the defaults here, the flags.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    citation: ClassVar[str]
    Config: ClassVar[type[MethodConfig]]
    trains: ClassVar[bool] = True
    """False: ``build`` returns nothing and no step is taken. `image_features` are then computed
    once for all runs of a configuration, and must not depend on the task."""
    frozen_image_tower: ClassVar[bool] = False
    """True: batches carry image features, computed once for all runs, instead of images."""
    trained_prompts: ClassVar[Literal["", "class", "class and image"]] = ""
    """What there is a learned prompt for: a step sends so many through the text tower, there and
    back, and so does a test. `sweep plan` counts them."""
    starts_pretrained: ClassVar[bool] = False
    """True: until the first step `image_features` are the pretrained tower's, so that the
    validation before it reads features computed once for all runs."""
    loss_is_mean: ClassVar[bool] = False
    """True: every term of `losses` is a mean over the images of the batch, so that a batch may be
    worked off in parts (`micro_batch`). `check` proves it."""
    own_selection: ClassVar[Literal["last", "averaged"]] = "last"
    """The weights the method's paper reports; see also ``selection_of``."""
    reference: ClassVar[int] = 0
    """Other methods are compared with the one of the highest number, where none is asked for."""
    as_it_came: ClassVar[bool] = False
    """True: it tests a model as it came, so that `evaluate` runs it."""
    authors_resize: ClassVar[Literal["bilinear", "bicubic", "model"]] = "bilinear"
    """Interpolation of test images in the authors' code; read where a protocol asks for it
    (``test_resize: authors``). CLIPood's and AlignCLIP's code, and so their baselines', is
    bilinear."""
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Named sets of configuration values, asked for as ``name[preset=...]``."""
    search_space: ClassVar[Space] = {}
    """What a sweep with `tune` draws parameters from, see `harness.tune.space`; the docstring says
    where the ranges are from. Empty: there is nothing to tune."""

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    @classmethod
    def selection_of(cls, config: ConfigT) -> Literal["last", "averaged"]:
        """Return the weights tested with this configuration; override where it decides."""
        return cls.own_selection

    @classmethod
    def closed_set(cls, config: ConfigT) -> bool:
        """Tell whether only classes that were trained can be classified (a linear head)."""
        return False

    @classmethod
    def check_tower(cls, config: ConfigT, backbone: Backbone) -> None:
        """Refuse a model whose towers cannot do what the configuration asks of them.

        Called when runs are planned, with a model without weights (`harness.clip.info.outline`),
        and before ``build``: look at modules and shapes, compute nothing.

        Raises:
            UserError: Naming method, field and model.
        """

    def build(self, backbone: Backbone, task: Task) -> dict[str, torch.nn.Parameter]:
        """Prepare for the task; return the parameters to train by name (empty: none).

        The engine puts gradients on exactly these and freezes everything else. ``backbone`` is
        this run's own copy of the image tower: it may be changed.
        """
        raise NotImplementedError(f"{type(self).__name__}.build")

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return named scalar terms; their sum is minimised."""
        raise NotImplementedError(f"{type(self).__name__}.losses")

    def after_step(self, step: int) -> None:
        """Act after the optimiser's step `step` (1-based); weight averaging is `averager`."""

    def image_features(self, images: Tensor) -> Tensor:
        """Return [B, D] unit-norm features of [B, 3, H, W] images; must not depend on classes."""
        raise NotImplementedError(f"{type(self).__name__}.image_features")

    def logits(self, features: Tensor, class_names: tuple[str, ...]) -> Tensor:
        """Return [B, C] logits of [B, D] features over any list of class names."""
        raise NotImplementedError(f"{type(self).__name__}.logits")

    def averager(
        self, parameters: dict[str, torch.nn.Parameter], steps: int
    ) -> WeightAverage | None:
        """Return an average of the trained parameters; the engine updates it every step."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs beyond the trained parameters and the optimiser."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what ``state_dict`` returned."""
