"""MaPLe: learned prompts in both towers, those of the image tower coupled to the text's."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.clip.prompted import check_prompted, prompted_image_features
from harness.errors import UserError
from harness.method import Batch, Method, Task
from harness.seeding import generator
from harness.training.losses import cosine_logits, smoothed_cross_entropy
from harness.training.prompts import (
    INITIAL_STD,
    ContextPrompts,
    LastText,
    PromptConfig,
    context_prompts,
    embed_words,
    initial_context,
    prompted_tower,
    seeded_linear,
    worded_prompts,
)
from harness.training.text_head import images_of
from harness.tune.spaces import PROMPTS


class MaPLeConfig(PromptConfig):
    """The authors' base-to-new recipe; the budget is in steps, CLIPood's, unless in `epochs`."""

    authors_epochs = 5

    n_ctx: int = Field(2, ge=1)
    """Prompt vectors n of each block and tower."""
    ctx_init: str = "a photo of a"
    """Words before the class name; the first `n_ctx` of their tokens give way to vectors, which
    begin with their embeddings. Empty: random vectors and no other words."""
    depth: int = Field(9, ge=1)
    """First blocks J of both towers that get prompts of their own; 1 is the input alone."""
    batch_per_domain: int = Field(1, ge=1)
    """Images of each source domain in a step; the authors take `batch_size` 4."""
    lr: float = Field(3.5e-3, gt=0)
    warmup_steps: int = Field(1000, ge=0)
    """Steps at `warmup_lr`; if not given a fifth of `steps`, the authors' first of 5 epochs."""


class MaPLe(Method[MaPLeConfig]):
    """Multi-modal prompt learning, Khattak et al., CVPR 2023, sections 3.2 and 3.3.

    The text prompt is ``{ctx_init} {class}.`` with its first n tokens learned; in block i < J of
    the text tower n other vectors P_i replace what became of them. The image tower has n tokens
    behind its patches, F_i(P_i) in block i, each F_i a linear layer. P and F train, both towers
    stay. Cross-entropy on ``s <f, T_c>``.

    Preset ``cross_dataset`` is the authors' setting for other data sets and for shifted ImageNet:
    depth 3, two epochs. Deviations: without a preset the budget is in steps and a step sees one
    image of each source domain; float32. As in
    their code the deep F_i begin as copies of one layer.
    """

    name = "maple"
    summary = "coupled deep prompts in both towers, towers frozen"
    citation = "Khattak et al., MaPLe: Multi-modal Prompt Learning, CVPR 2023, arXiv 2210.03117"
    Config = MaPLeConfig
    search_space = PROMPTS
    loss_is_mean = True
    trained_prompts = "class"
    authors_resize = "bicubic"
    presets = {  # noqa: RUF012 (declared ClassVar in the base)
        "base_to_new": {"depth": 9, "lr": 3.5e-3, "epochs": 5, "batch_size": 4},
        "cross_dataset": {"depth": 3, "lr": 2.6e-3, "epochs": 2, "batch_size": 4},
    }

    @classmethod
    def check_tower(cls, config: MaPLeConfig, backbone: Backbone) -> None:
        """Refuse towers that take no prompts or have fewer blocks than `depth`.

        Raises:
            UserError: Naming the model and the reason.
        """
        blocks = prompted_tower(backbone, cls.name).blocks
        try:
            check_prompted(backbone.visual, blocks, config.depth, backbone.spec.title())
        except UserError as error:
            raise UserError(f"method 'maple': {error}") from None

    def build(self, backbone: Backbone, task: Task) -> dict[str, torch.nn.Parameter]:
        """Make prompts and couplings, which are all that trains.

        Raises:
            UserError: If the configuration allows no learned prompt.
        """
        self.backbone, self.tower = backbone, prompted_tower(backbone, self.name)
        depth = self.config.depth
        self._last = LastText()
        self.prompts = self._prompts(tuple(task.class_names))
        draw = generator("maple", task.seed)
        width, image_width = self.tower.width, backbone.visual.positional_embedding.shape[1]
        shape = (self.config.n_ctx, width)
        deep = [torch.randn(shape, generator=draw) * INITIAL_STD for _ in range(depth - 1)]
        first, others = (seeded_linear(width, image_width, draw) for _ in range(2))
        couplings = [first, *(copy.deepcopy(others) for _ in range(depth - 1))]
        device = backbone.device
        vectors = [self._initial(draw), *deep]
        self.vectors = [torch.nn.Parameter(vector.to(device)) for vector in vectors]
        self.couplings = torch.nn.ModuleList(couplings).to(device)
        named = {f"coupling.{key}": p for key, p in self.couplings.named_parameters()}
        return {**{f"prompt.{i}": p for i, p in enumerate(self.vectors)}, **named}

    def _initial(self, draw: torch.Generator) -> Tensor:
        n, words = self.config.n_ctx, self.config.ctx_init
        if not words:
            return initial_context(self.tower, "", (n,), draw, self.name)
        embedded = embed_words(self.tower, words)
        if len(embedded) < n:
            raise UserError(
                f"method 'maple': n_ctx={n} vectors cannot begin with the {len(embedded)} tokens "
                f"of ctx_init='{words}'; set n_ctx to {len(embedded)} or less, or ctx_init=''"
            )
        return embedded[:n]

    def _prompts(self, class_names: tuple[str, ...]) -> ContextPrompts:
        n, words = self.config.n_ctx, self.config.ctx_init
        if words:
            return worded_prompts(self.tower, class_names, words, n)
        return context_prompts(self.tower, class_names, n)

    def _encode(self, prompts: ContextPrompts) -> Tensor:
        with self.backbone.autocast():
            return prompts.encode(self.vectors[0], self.vectors[1:])

    def _encode_any(self, class_names: tuple[str, ...]) -> Tensor:
        return self._encode(self._prompts(class_names))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of a batch.

        Raises:
            ValueError: If it carries no images.
        """
        features = self.image_features(images_of(batch))
        logits = cosine_logits(features, self._encode(self.prompts), self.backbone.logit_scale)
        return {"classification": smoothed_cross_entropy(logits, batch.labels)}

    def image_features(self, images: Tensor) -> Tensor:
        """Return [B, D] unit-norm features of [B, 3, H, W] images by the prompted tower."""
        with self.backbone.autocast():
            pairs = zip(self.couplings, self.vectors, strict=True)
            prompts = [coupling(vector) for coupling, vector in pairs]
            pooled = prompted_image_features(self.backbone.visual, images, prompts)
        return F.normalize(pooled, dim=-1)

    def logits(self, features: Tensor, class_names: tuple[str, ...]) -> Tensor:
        """Return [B, C] logits of [B, D] features; the prompts serve any class names.

        Raises:
            UserError: If a class name makes no prompt that fits.
        """
        text = self._last.get(tuple(class_names), self.vectors, self._encode_any)
        return cosine_logits(features, text, self.backbone.logit_scale)
