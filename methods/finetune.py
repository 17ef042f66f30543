"""Full fine-tuning of the image tower against frozen text features."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from harness.clip.forward import TraceRequest
from harness.method import Batch, TrainConfig
from harness.training.losses import cosine_logits, smoothed_cross_entropy
from harness.training.text_head import TextHeadMethod, images_of


class FinetuneConfig(TrainConfig):
    """CLIPood's recipe without its margin and average."""

    pooling: Literal["class_token", "average_patches"] = "class_token"
    """Image feature: the class token, or the mean of the projected patch tokens."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of the target that is spread over all classes."""


class Finetune(TextHeadMethod[FinetuneConfig]):
    """Cross-entropy on ``s <f, T_c>``; the image tower trains, the text tower does not.

    The fine-tuning baseline of CLIPood and AlignCLIP: CLIPood's code with margin 0 and without the
    average. ``average_patches`` is the variant AP of AlignCLIP's rebuttal (table 3), trained and
    tested with that feature; ``label_smoothing`` is Szegedy et al., CVPR 2016.
    """

    name = "finetune"
    summary = "full fine-tuning of the image tower, cross-entropy"
    citation = (
        "baseline of Shu et al., CLIPood: Generalizing CLIP to Out-of-Distributions, ICML 2023, "
        "arXiv 2302.00864"
    )
    Config = FinetuneConfig

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of a batch."""
        features = self.image_features(images_of(batch))
        logits = cosine_logits(features, self.text, self.backbone.logit_scale)
        smoothing = self.config.label_smoothing
        return {"classification": smoothed_cross_entropy(logits, batch.labels, smoothing)}

    def image_features(self, images: Tensor) -> Tensor:
        """Return [B, D] float32 unit-norm features, pooled as the configuration says.

        Raises:
            UserError: For ``average_patches`` with a tower whose patches have no feature.
        """
        if self.config.pooling == "class_token":
            return super().image_features(images)
        patches = self.backbone.trace(images, TraceRequest(patches=True)).patches
        assert patches is not None  # asked for
        return F.normalize(patches.mean(dim=1), dim=-1)
