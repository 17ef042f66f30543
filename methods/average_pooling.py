"""Full fine-tuning with the mean patch as the image's feature."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from harness.method import Batch, TrainConfig
from harness.training.losses import cosine_logits, smoothed_cross_entropy
from harness.training.text_head import TextHeadMethod, check_trace, images_of


class AveragePoolingConfig(TrainConfig):
    """Full fine-tuning's recipe, which is CLIPood's."""


class AveragePooling(TextHeadMethod[AveragePoolingConfig]):
    """Cross-entropy on ``s <f, T_c>``, f the mean of the projected patch tokens, unit norm.

    The variant AP of fine-tuning in table 3 of AlignCLIP's rebuttal, beside the class token (CT),
    which is `finetune`. Trained and tested with that feature. Where the mean is taken is not said
    there: here after the last norm and the projection, and before normalising. Pretraining
    matched the class token to texts, not this feature: training does not begin at zero-shot CLIP.
    """

    name = "average_pooling"
    summary = "full fine-tuning, mean patch instead of class token"
    citation = (
        "rebuttal (table 3, AP) of Han et al., AlignCLIP: navigating the misalignments for robust "
        "vision-language generalization, Machine Learning 114:58, 2025, "
        "doi 10.1007/s10994-025-06742-z"
    )
    Config = AveragePoolingConfig
    loss_is_mean = True

    request = TraceRequest(patches=True)

    @classmethod
    def check_tower(cls, config: AveragePoolingConfig, backbone: Backbone) -> None:
        """Refuse a tower whose patches have no feature.

        Raises:
            UserError: Naming the model and the reason.
        """
        check_trace(backbone, cls.request, "method 'average_pooling'")

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of a batch."""
        features = self.image_features(images_of(batch))
        logits = cosine_logits(features, self.text, self.backbone.logit_scale)
        return {"classification": smoothed_cross_entropy(logits, batch.labels)}

    def image_features(self, images: Tensor) -> Tensor:
        """Return [B, D] float32 unit-norm mean patches of [B, 3, H, W] images."""
        patches = self.backbone.trace(images, self.request).patches
        assert patches is not None  # asked for
        return F.normalize(patches.mean(dim=1), dim=-1)
