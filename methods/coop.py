"""CoOp: learned context vectors in the prompt; both towers stay as they are."""

from __future__ import annotations

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.errors import UserError
from harness.method import Batch, Method, Task
from harness.seeding import generator
from harness.training.losses import cosine_logits, smoothed_cross_entropy
from harness.training.positions import positions
from harness.training.prompts import (
    ContextPrompts,
    LastText,
    Position,
    PromptConfig,
    context_prompts,
    initial_context,
    prompted_tower,
)
from harness.tune.space import choice
from harness.tune.spaces import PROMPTS


class CoOpConfig(PromptConfig):
    """The authors' optimiser; the budget is in steps, CLIPood's, unless `epochs` are given."""

    authors_epochs = 50

    n_ctx: int = Field(16, ge=1)
    """Context vectors M; with `ctx_init` it must be the number of its tokens."""
    ctx_init: str = ""
    """Words whose embeddings the context begins with (preset `words`); empty: random."""
    class_position: Position = "end"
    """Where the class name stands: after, within or before the context."""
    class_specific: bool = False
    """A context for each class instead of a shared one; such a prompt fits no unseen class."""
    batch_per_domain: int = Field(11, ge=1)
    """Images of each source domain in a step; the authors take `batch_size` 32."""
    warmup_steps: int = Field(100, ge=0)
    """Steps at `warmup_lr`; if not given a 50th of `steps`, the authors' first of 50 epochs."""
    feature_views: int = Field(4, ge=0)
    """Augmented views per image, computed once; the authors draw a new one each time."""

    @model_validator(mode="after")
    def _one_initialisation(self) -> Self:
        if self.ctx_init and self.class_specific:
            raise ValueError(
                f"class_specific contexts begin random; drop ctx_init='{self.ctx_init}' or set "
                "class_specific=false"
            )
        return self


class CoOp(Method[CoOpConfig]):
    """Context optimisation, Zhou et al., IJCV 2022, section 3.2: prompts ``[V]_1 .. [V]_M class.``

    Cross-entropy on ``s <f, T_c(V)>``; only the M vectors V train. Deviations: a budget in steps
    where no `epochs` are given (the authors: 50 to 200), a fixed number of augmented views,
    float32. As in the paper the data set's template is not used. Initialised from
    'a photo of a' (preset ``words``) this begins as zero-shot CLIP with 'a photo of a {}.'
    """

    name = "coop"
    summary = "learned prompt context, both towers frozen"
    citation = (
        "Zhou et al., Learning to Prompt for Vision-Language Models, IJCV 2022, arXiv 2109.01134"
    )
    Config = CoOpConfig
    search_space = {**PROMPTS, "class_position": choice("end", "middle")}  # noqa: RUF012
    """The positions that the paper compares."""
    loss_is_mean = True
    authors_resize = "bicubic"
    frozen_image_tower = True
    trained_prompts = "class"
    presets = {"words": {"n_ctx": 4, "ctx_init": "a photo of a"}}  # noqa: RUF012 (ClassVar in base)

    @classmethod
    def closed_set(cls, config: CoOpConfig) -> bool:
        """Tell whether every class has a context of its own."""
        return config.class_specific

    @classmethod
    def check_tower(cls, config: CoOpConfig, backbone: Backbone) -> None:
        """Refuse a text tower that takes no learned context.

        Raises:
            UserError: Naming the model and the reason.
        """
        prompted_tower(backbone, cls.name)

    def build(self, backbone: Backbone, task: Task) -> dict[str, torch.nn.Parameter]:
        """Make the context vectors, which are all that trains.

        Raises:
            UserError: If the configuration allows no learned prompt.
        """
        self.backbone = backbone
        self.tower = prompted_tower(backbone, self.name)
        self.class_names = tuple(task.class_names)
        self._last = LastText()
        self.prompts = self._prompts(self.class_names)
        self.context = torch.nn.Parameter(self._initial(task.seed).to(backbone.device))
        return {"context": self.context}

    def _initial(self, seed: int) -> Tensor:
        """Return [M, d], or [C, M, d] if class specific."""
        config = self.config
        classes = (len(self.class_names),) if config.class_specific else ()
        draw = generator("coop context", seed)
        shape = (*classes, config.n_ctx)
        return initial_context(self.tower, config.ctx_init, shape, draw, self.name)

    def _prompts(self, class_names: tuple[str, ...]) -> ContextPrompts:
        config = self.config
        return context_prompts(self.tower, class_names, config.n_ctx, config.class_position)

    def _encode(self, prompts: ContextPrompts) -> Tensor:
        with self.backbone.autocast():
            return prompts.encode(self.context)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of a batch of frozen image features.

        Raises:
            ValueError: If the batch carries images instead.
        """
        if batch.features is None:
            raise ValueError("the batch has no features; this method has a frozen image tower")
        text = self._encode(self.prompts)
        logits = cosine_logits(batch.features, text, self.backbone.logit_scale)
        return {"classification": smoothed_cross_entropy(logits, batch.labels)}

    def image_features(self, images: Tensor) -> Tensor:
        """Return the frozen tower's [B, D] unit-norm features of [B, 3, H, W] images."""
        return self.backbone.image_features(images)

    def logits(self, features: Tensor, class_names: tuple[str, ...]) -> Tensor:
        """Return [B, C] logits of [B, D] features; the shared context serves any class names.

        Raises:
            UserError: For class-specific contexts and a class that was not trained.
        """
        text = self._last.get(tuple(class_names), [self.context], self._encode_any)
        return cosine_logits(features, text, self.backbone.logit_scale)

    def _encode_any(self, class_names: tuple[str, ...]) -> Tensor:
        if not self.config.class_specific:
            return self._encode(self._prompts(class_names))
        places = positions(class_names, self.class_names)
        if places is None:
            unseen = [name for name in class_names if name not in self.class_names]
            raise UserError(
                f"method 'coop' with class_specific=true has no context for class '{unseen[0]}'; "
                "set class_specific=false to test unseen classes"
            )
        return self._encode(self.prompts)[places]
