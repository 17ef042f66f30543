"""CLIPood: fine-tuning with a semantic margin and a Beta moving average."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from harness.method import Batch, TrainConfig
from harness.training.averaging import BetaAverage
from harness.training.losses import margin_logits, smoothed_cross_entropy
from harness.training.text_head import TextHeadMethod, images_of


class CLIPoodConfig(TrainConfig):
    """Defaults: domain shift on PACS, VLCS, TerraIncognita (the authors' scripts)."""

    margin: float = Field(0.3, ge=0)
    """The paper's lambda; 0.1 when domain and classes shift. 0 is plain cross-entropy."""
    beta: float = Field(0.5, gt=0)
    """Shape of the moving average's weights; 0.1 for open classes. 1 is the plain average."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of the target that is spread over all classes; not in the paper."""


class CLIPood(TextHeadMethod[CLIPoodConfig]):
    """Margin metric softmax and Beta moving average, Shu et al., ICML 2023, sections 4.1 and 4.2.

    Deviations from the released code, none in the mathematics: the average is kept in float32
    (theirs in half precision loses most of its small updates), and so are weights and updates,
    where theirs are rounded to half after every step: precision ``fp16-replica`` does that, too.
    Their scripts take lr 1e-5 on OfficeHome and DomainNet and 10,000 steps on DomainNet.
    """

    name = "clipood"
    summary = "margin metric softmax and Beta moving average"
    citation = (
        "Shu et al., CLIPood: Generalizing CLIP to Out-of-Distributions, ICML 2023, "
        "arXiv 2302.00864"
    )
    Config = CLIPoodConfig
    loss_is_mean = True
    starts_pretrained = True
    own_selection = "averaged"
    reference = 3
    """The strongest that is widely known; also what AlignCLIP builds on."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the margin metric softmax's cross-entropy of a batch."""
        features = self.image_features(images_of(batch))
        scale, margin = self.backbone.logit_scale, self.config.margin
        logits = margin_logits(features, self.text, batch.labels, scale, margin)
        smoothing = self.config.label_smoothing
        return {"classification": smoothed_cross_entropy(logits, batch.labels, smoothing)}

    def averager(self, parameters: dict[str, torch.nn.Parameter], steps: int) -> BetaAverage:
        """Return the Beta moving average, begun with the pretrained weights."""
        return BetaAverage(parameters, steps, self.config.beta)
