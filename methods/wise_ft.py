"""WiSE-FT: fine-tuning, then an ensemble with the pretrained model in weight space."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.method import Batch, Task, TrainConfig
from harness.training.averaging import EndpointAverage
from harness.training.linear_head import LinearHead
from harness.training.losses import cosine_logits, smoothed_cross_entropy
from harness.training.text_head import TextHeadMethod, images_of

WARMUP_STEPS = 500
WARMUP_SHARE = 10
"""A tenth of a short training at most; the authors' 500 steps are a tenth of 5,000."""


class WiseFTConfig(TrainConfig):
    """The authors' optimiser, schedule and crop; steps and batch are CLIPood's."""

    alpha: float = Field(0.5, ge=0, le=1)
    """Share of the fine-tuned weights in the ensemble; 0 is zero-shot, 1 the fine-tuned model."""
    train_head: bool = False
    """Train a linear head that begins as the classes' texts (authors); it fits no unseen class."""
    lr: float = Field(3e-5, gt=0)
    schedule: Literal["cosine", "constant", "warmup_cosine"] = "warmup_cosine"
    """A linear rise, then cosine to zero (authors)."""
    warmup_steps: int = Field(WARMUP_STEPS, ge=0)
    """Steps of the rise; if not given 500, but no more than a tenth of `steps`."""
    crop_scale: tuple[float, float] = (0.9, 1.0)
    """Area range of the random resized crop."""
    crop_interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    """Interpolation of the crop's resize, as Pillow does it."""
    flip: bool = False
    """Horizontal flips with probability one half."""

    @model_validator(mode="before")
    @classmethod
    def _warmup_follows_steps(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("steps"), int):
            return {"warmup_steps": min(WARMUP_STEPS, values["steps"] // WARMUP_SHARE), **values}
        return values


class WiseFT(TextHeadMethod[WiseFTConfig]):
    """``(1 - a) theta_zero-shot + a theta_fine-tuned``, Wortsman et al., CVPR 2022.

    The ensemble is what is tested (selection ``averaged``); selection ``last`` gives the fine-tuned
    model alone. Fine-tuning is cross-entropy on ``s <f, T_c>``.

    Deviations: the text head stays as it is, so that unseen classes have one and only the image
    tower is averaged (``train_head`` trains and averages the authors' linear head, bias included);
    the data set's prompt instead of 80; CLIPood's steps and batches (the authors: 10 epochs of
    ImageNet, batch 512); the gradient's norm is not clipped (theirs: ``clip_norm=1``).
    """

    name = "wise_ft"
    summary = "fine-tuning averaged with the pretrained weights"
    citation = (
        "Wortsman et al., Robust Fine-Tuning of Zero-Shot Models, CVPR 2022, arXiv 2109.01903"
    )
    Config = WiseFTConfig
    loss_is_mean = True
    starts_pretrained = True
    own_selection = "averaged"

    @classmethod
    def closed_set(cls, config: WiseFTConfig) -> bool:
        """Tell whether a linear head is trained."""
        return config.train_head

    def build(self, backbone: Backbone, task: Task) -> dict[str, torch.nn.Parameter]:
        """Prepare for the task; the image tower trains, and the head if it is to."""
        parameters = super().build(backbone, task)
        self.head: LinearHead | None = None
        if self.config.train_head:
            scale = backbone.logit_scale
            self.head = LinearHead(self.text, scale, task.class_names, self.name)
            parameters |= {f"class_head.{key}": p for key, p in self.head.named_parameters()}
        return parameters

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of a batch."""
        features = self.image_features(images_of(batch))
        if self.head is None:
            logits = cosine_logits(features, self.text, self.backbone.logit_scale)
        else:
            logits = self.head(features)
        return {"classification": smoothed_cross_entropy(logits, batch.labels)}

    def logits(self, features: Tensor, class_names: tuple[str, ...]) -> Tensor:
        """Return [B, C] logits of [B, D] features over any class names.

        Raises:
            UserError: With ``train_head``, for a class that was not trained.
        """
        if self.head is None:
            return super().logits(features, class_names)
        return self.head.logits(features, class_names)

    def averager(self, parameters: dict[str, torch.nn.Parameter], steps: int) -> EndpointAverage:
        """Return the ensemble of the pretrained and the current weights."""
        return EndpointAverage(parameters, self.config.alpha)
