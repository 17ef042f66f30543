"""Full fine-tuning of the image tower against frozen text features."""

from __future__ import annotations

from torch import Tensor

from harness.method import Batch, TrainConfig
from harness.training.losses import cosine_logits, smoothed_cross_entropy
from harness.training.text_head import TextHeadMethod, images_of


class FinetuneConfig(TrainConfig):
    """CLIPood's recipe without its margin and average."""


class Finetune(TextHeadMethod[FinetuneConfig]):
    """Cross-entropy on ``s <f, T_c>``; the image tower trains, the text tower does not.

    The fine-tuning baseline of CLIPood and AlignCLIP: CLIPood's code with margin 0 and without the
    average.
    """

    name = "finetune"
    summary = "full fine-tuning of the image tower, cross-entropy"
    citation = (
        "baseline of Shu et al., CLIPood: Generalizing CLIP to Out-of-Distributions, ICML 2023, "
        "arXiv 2302.00864"
    )
    Config = FinetuneConfig
    loss_is_mean = True
    starts_pretrained = True
    reference = 2
    """Without CLIPood, the gain over training as usual is what is asked."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of a batch."""
        features = self.image_features(images_of(batch))
        logits = cosine_logits(features, self.text, self.backbone.logit_scale)
        return {"classification": smoothed_cross_entropy(logits, batch.labels)}
