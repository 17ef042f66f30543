"""TeS: targets softened for each image by what its projection to text space says."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from harness.clip.backbone import Backbone
from harness.errors import UserError
from harness.method import Batch, Task, TrainConfig
from harness.seeding import generator
from harness.training import losses
from harness.training.linear_head import LinearHead
from harness.training.text_head import TextHeadMethod, images_of
from harness.tune.space import log_uniform, uniform
from harness.tune.spaces import FINETUNING


class TeSConfig(TrainConfig):
    """Weights as in the authors' code; the optimiser's recipe is CLIPood's."""

    tau: float = Field(0.03, gt=0)
    """Temperature tau' of the projected image's cosines with the classes' texts."""
    lambda_t: float = Field(0.4, ge=0)
    """Weight of the text term; 0.3 in the authors' script for CIFAR-100."""
    lambda_v: float = Field(0.2, ge=0, le=1)
    """Share of the text distribution in the targets; 0.1 in the script for CIFAR-100."""
    train_head: bool = False
    """Train a linear head that begins as the classes' texts; it fits no unseen class."""


class ProjectionHead(nn.Module):
    """Linear, batch norm, ReLU, linear, unit norm: [B, D] to [B, D]; used in training only.

    torch's default initial values, drawn from the seed. The norm always uses the batch's own
    statistics, as the authors' does while it trains; the first layer has no bias, which the norm
    would take away.
    """

    def __init__(self, width: int, seed: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width, bias=False)
        self.norm = nn.BatchNorm1d(width, track_running_stats=False)
        self.output = nn.Linear(width, width)
        draw = generator("tes projection", seed)
        bound = 1 / math.sqrt(width)
        for parameter in (self.hidden.weight, self.output.weight, self.output.bias):
            nn.init.uniform_(parameter, -bound, bound, generator=draw)

    def forward(self, features: Tensor) -> Tensor:
        """Return [B, D] unit-norm projections of [B, D] features; B at least 2."""
        hidden = self.norm(self.hidden(features)).relu()
        return F.normalize(self.output(hidden), dim=-1)


class TeS(TextHeadMethod[TeSConfig]):
    """Wang et al., ICCV 2023: ``CE(fc(f), q) + lambda_t CE(z . t / tau', y)``, adapted to CLIP.

    z = g(f) is the projected image, t the classes' texts and
    ``q = lambda_v stopgrad softmax(z . t / tau') + (1 - lambda_v) onehot``. g is dropped at test.

    Adapted: the authors train a ResNet-50 (MoCo v2) with texts of CLIP ViT-B/32. Here f is CLIP's
    unit-norm image feature, t comes from the same model's text tower with the data set's prompt,
    and fc is CLIP's frozen text head, so that unseen classes have one (``train_head`` trains a
    linear one). CLIPood's AdamW, rate, steps and crop replace SGD with Nesterov momentum (3.16e-3,
    100 epochs on CIFAR-100). As there one rate serves the tower and g, which begins random: at
    CLIPood's rate g learns slowly.
    """

    name = "tes"
    summary = "targets softened per image through text space, adapted"
    citation = (
        "Wang et al., Improved Visual Fine-tuning with Natural Language Supervision, ICCV 2023, "
        "arXiv 2304.01489"
    )
    Config = TeSConfig
    search_space = {  # noqa: RUF012 (declared ClassVar in the base)
        **FINETUNING,
        "tau": log_uniform(0.01, 0.1),
        "lambda_t": uniform(0.0, 0.8),
        "lambda_v": uniform(0.0, 0.4),
    }
    """From nothing to twice the authors' weights; half a decade either side of their tau."""
    starts_pretrained = True

    def build(self, backbone: Backbone, task: Task) -> dict[str, torch.nn.Parameter]:
        """Prepare for the task; the image tower and the projection head train, fc if it is to.

        Raises:
            UserError: If a batch would be a single image, which has no batch statistics.
        """
        if self.config.batch_per_domain * len(task.source_domains) < 2:
            raise UserError(
                "method 'tes': batch_per_domain is 1 with a single source domain, but its batch "
                "norm needs two images; set batch_per_domain=2"
            )
        parameters = super().build(backbone, task)
        self.projection = ProjectionHead(backbone.embed_dim, task.seed).to(backbone.device)
        parameters |= {f"projection.{key}": p for key, p in self.projection.named_parameters()}
        self.head: LinearHead | None = None
        if self.config.train_head:
            scale = backbone.logit_scale
            self.head = LinearHead(self.text, scale, task.class_names, self.name)
            parameters |= {f"class_head.{key}": p for key, p in self.head.named_parameters()}
        return parameters

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the classification loss with soft targets and the weighted text term."""
        config = self.config
        features = self.image_features(images_of(batch))
        text_logits = losses.cosine_logits(self.projection(features), self.text, 1 / config.tau)
        targets = losses.instance_targets(text_logits, batch.labels, config.lambda_v)
        text_loss = losses.smoothed_cross_entropy(text_logits, batch.labels)
        logits = self.logits(features, self.task.class_names)
        return {
            "classification": losses.cross_entropy(logits, targets),
            "text": config.lambda_t * text_loss,
        }

    def logits(self, features: Tensor, class_names: tuple[str, ...]) -> Tensor:
        """Return [B, C] logits of [B, D] features over any class names.

        Raises:
            UserError: With ``train_head``, for a class that was not trained.
        """
        if self.head is None:
            return super().logits(features, class_names)
        return self.head.logits(features, class_names)
