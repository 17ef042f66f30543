"""Full fine-tuning with uniformly smoothed labels."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from harness.method import Batch, TrainConfig
from harness.training.losses import cosine_logits, smoothed_cross_entropy
from harness.training.text_head import TextHeadMethod, images_of


class LabelSmoothingConfig(TrainConfig):
    """Full fine-tuning's recipe, which is CLIPood's."""

    smoothing: float = Field(0.1, ge=0, lt=1)
    """Share e of the target that is spread over all classes; 0 is full fine-tuning."""


class LabelSmoothing(TextHeadMethod[LabelSmoothingConfig]):
    """Cross-entropy on ``s <f, T_c>`` with the targets ``(1 - e) onehot + e / C``.

    Szegedy et al., CVPR 2016, section 7, with their e = 0.1, beside which AlignCLIP's semantic
    smoothing also leaves the label 0.9. Deviation: the network is a pretrained CLIP image tower
    with frozen text features for the classes.
    """

    name = "label_smoothing"
    summary = "full fine-tuning with uniformly smoothed labels"
    citation = (
        "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016, "
        "arXiv 1512.00567"
    )
    Config = LabelSmoothingConfig
    loss_is_mean = True
    starts_pretrained = True

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of a batch with smoothed targets."""
        features = self.image_features(images_of(batch))
        logits = cosine_logits(features, self.text, self.backbone.logit_scale)
        smoothing = self.config.smoothing
        return {"classification": smoothed_cross_entropy(logits, batch.labels, smoothing)}
