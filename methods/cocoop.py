"""CoCoOp: a learned prompt context that a small network shifts for every image."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.errors import UserError
from harness.method import Batch, Method, Task
from harness.seeding import generator
from harness.training.losses import smoothed_cross_entropy
from harness.training.prompts import (
    ContextPrompts,
    PromptConfig,
    context_prompts,
    initial_context,
    prompted_tower,
    seeded_linear,
)
from harness.tune.spaces import PROMPTS


class CoCoOpConfig(PromptConfig):
    """The authors' optimiser; the budget is in steps, CLIPood's, unless `epochs` are given."""

    authors_epochs = 10

    n_ctx: int = Field(4, ge=1)
    """Context vectors M; with `ctx_init` it must be the number of its tokens."""
    ctx_init: str = "a photo of a"
    """Words whose embeddings the context begins with; empty: random."""
    reduction: int = Field(16, ge=1)
    """The meta-net's hidden width is the image feature's divided by this."""
    batch_per_domain: int = Field(1, ge=1)
    """Images of each source domain in a step; the authors take `batch_size` 1."""
    warmup_steps: int = Field(500, ge=0)
    """Steps at `warmup_lr`; if not given a tenth of `steps`, the authors' first of 10 epochs."""
    feature_views: int = Field(4, ge=0)
    """Augmented views per image, computed once; the authors draw a new one each time."""


class CoCoOp(Method[CoCoOpConfig]):
    """Conditional context optimisation, Zhou et al., CVPR 2022, section 3.2.

    Image x has the context ``[V_1 + pi(f)] .. [V_M + pi(f)]``, f its unit-norm feature and pi the
    meta-net (linear, ReLU, linear); cross-entropy on ``s <f, T_c(x)>``. V and pi train. The text
    tower runs once per image and class, in training and in a test. Deviations: a step sees one
    image of every source domain unless `batch_size` says one, and the budget is in steps unless
    `epochs` are given (the authors: 10); a fixed number of augmented views, float32. The meta-net
    begins random, as the authors', so the untrained method is near zero-shot CLIP with
    'a photo of a {}.', not equal to it.
    """

    name = "cocoop"
    summary = "prompt context shifted by each image, towers frozen"
    citation = (
        "Zhou et al., Conditional Prompt Learning for Vision-Language Models, CVPR 2022, "
        "arXiv 2203.05557"
    )
    Config = CoCoOpConfig
    search_space = PROMPTS
    loss_is_mean = True
    authors_resize = "bicubic"
    frozen_image_tower = True
    trained_prompts = "class and image"

    @classmethod
    def check_tower(cls, config: CoCoOpConfig, backbone: Backbone) -> None:
        """Refuse a text tower that takes no learned context, or an embedding below `reduction`.

        Raises:
            UserError: Naming the model and the reason.
        """
        prompted_tower(backbone, cls.name)
        width = backbone.embed_dim
        if width < config.reduction:
            raise UserError(
                f"method 'cocoop': reduction={config.reduction} leaves nothing of the {width} "
                f"dimensions of {backbone.spec.title()}; set reduction to {width} or less"
            )

    def build(self, backbone: Backbone, task: Task) -> dict[str, torch.nn.Parameter]:
        """Make the context vectors and the meta-net, which are all that trains.

        Raises:
            UserError: If the configuration allows no learned prompt.
        """
        config, width = self.config, backbone.embed_dim
        self.backbone = backbone
        self.tower = prompted_tower(backbone, self.name)
        self._prompts: dict[tuple[str, ...], ContextPrompts] = {}
        self._prompts_of(tuple(task.class_names))
        draw = generator("cocoop", task.seed)
        start = initial_context(self.tower, config.ctx_init, (config.n_ctx,), draw, self.name)
        self.context = torch.nn.Parameter(start.to(backbone.device))
        self.meta_net = torch.nn.Sequential(
            seeded_linear(width, width // config.reduction, draw),
            torch.nn.ReLU(),
            seeded_linear(width // config.reduction, self.tower.width, draw),
        ).to(backbone.device)
        self.class_names = tuple(task.class_names)
        named = {f"meta_net.{key}": p for key, p in self.meta_net.named_parameters()}
        return {"context": self.context, **named}

    def _prompts_of(self, class_names: tuple[str, ...]) -> ContextPrompts:
        if class_names not in self._prompts:
            made = context_prompts(self.tower, class_names, self.config.n_ctx)
            self._prompts[class_names] = made
        return self._prompts[class_names]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of a batch of frozen image features.

        Raises:
            ValueError: If the batch carries images instead.
        """
        if batch.features is None:
            raise ValueError("the batch has no features; this method has a frozen image tower")
        logits = self.logits(batch.features, self.class_names)
        return {"classification": smoothed_cross_entropy(logits, batch.labels)}

    def image_features(self, images: Tensor) -> Tensor:
        """Return the frozen tower's [B, D] unit-norm features of [B, 3, H, W] images."""
        return self.backbone.image_features(images)

    def logits(self, features: Tensor, class_names: tuple[str, ...]) -> Tensor:
        """Return [B, C] logits of [B, D] features, each against prompts of its own.

        Raises:
            UserError: If a class name makes no prompt that fits.
        """
        prompts = self._prompts_of(tuple(class_names))
        with self.backbone.autocast():
            contexts = self.context + self.meta_net(features)[:, None]
            text = prompts.encode_each(contexts)
        with torch.autocast(features.device.type, enabled=False):
            return self.backbone.logit_scale * torch.einsum("bd,bcd->bc", features, text)
