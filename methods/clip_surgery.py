"""CLIP Surgery's patch features as a classifier, without training."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from harness.clip.attention import Branch
from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest
from harness.method import MethodConfig, Task
from harness.training.text_head import TextHeadMethod, check_trace

SHARPNESS = 2.0
"""Inverse temperature of the softmax that weighs classes in feature surgery (authors' code)."""


class ClipSurgeryConfig(MethodConfig):
    """Defaults: the authors' architecture surgery for vision transformers."""

    structure: Branch = "v-v-v"
    """Attention of the second path: softmax of V V, Q Q or K K, or the identity (d-v)."""
    depth: int = Field(6, ge=1)
    """Last blocks that the second path runs through; 1 with d-v is MaskCLIP."""
    feature_surgery: bool = False
    """Weigh the classes as their maps do; a class' logit then depends on the other classes."""


class ClipSurgery(TextHeadMethod[ClipSurgeryConfig]):
    """Zero-shot by the second path's patches: their unit-norm features' mean, again unit norm.

    Li et al. 2023 explain CLIP's decisions with maps of these patches' similarity to a text; that
    an image is classified by their mean is this benchmark's use of them, to set beside methods
    that take the same path as guidance while they train (AlignCLIP). Deviations: one prompt per
    class instead of 85; a ResNet's path is adapted (see `harness.clip.resnet`).

    The path leaves out the MLPs of the blocks it runs through. In a tower of six, such as
    tiny-emoji's, the authors' depth leaves out all of them and accuracy is near chance; depth 1
    is the one to use there.

    ``feature_surgery`` is the authors' second part: with w the softmax over the classes of twice
    the class token's cosines, divided by its mean, a patch's score is ``w_c <P_i, T_c>`` minus its
    mean over the classes. Features are then [class token, mean patch] / sqrt 2, of 2 D numbers.
    """

    name = "clip_surgery"
    summary = "CLIP Surgery's patch features, no training"
    citation = (
        "Li et al., CLIP Surgery for Better Explainability with Enhancement in Open-Vocabulary "
        "Tasks, 2023, arXiv 2304.05653"
    )
    Config = ClipSurgeryConfig
    trains = False

    @classmethod
    def check_tower(cls, config: ClipSurgeryConfig, backbone: Backbone) -> None:
        """Refuse a tower whose patches have no feature, or with fewer blocks than `depth`.

        Raises:
            UserError: Naming both.
        """
        asked = f"method 'clip_surgery' with structure={config.structure}, depth={config.depth}"
        check_trace(backbone, cls._request(config), asked)

    @staticmethod
    def _request(config: ClipSurgeryConfig) -> TraceRequest:
        return TraceRequest(branch=config.structure, branch_depth=config.depth)

    def build(self, backbone: Backbone, task: Task) -> dict[str, torch.nn.Parameter]:
        """Prepare for the task; nothing trains."""
        super().build(backbone, task)
        self.request = self._request(self.config)
        return {}

    def image_features(self, images: Tensor) -> Tensor:
        """Return [B, D] unit-norm features of [B, 3, H, W] images; [B, 2 D] for feature surgery."""
        trace = self.backbone.trace(images, self.request)
        assert trace.branch is not None  # asked for
        mean = F.normalize(F.normalize(trace.branch, dim=-1).mean(dim=1), dim=-1)
        if not self.config.feature_surgery:
            return mean
        return F.normalize(torch.cat([F.normalize(trace.pooled, dim=-1), mean], dim=-1), dim=-1)

    def logits(self, features: Tensor, class_names: tuple[str, ...]) -> Tensor:
        """Return [B, C] scaled cosines of features with the prompts of any class names."""
        if not self.config.feature_surgery:
            return super().logits(features, class_names)
        token, mean = (F.normalize(part, dim=-1) for part in features.chunk(2, dim=-1))
        scale = self.backbone.logit_scale
        weights = (super().logits(token, class_names) * (SHARPNESS / scale)).softmax(dim=-1)
        weighted = super().logits(mean, class_names) * weights * len(class_names)
        return weighted - weighted.mean(dim=-1, keepdim=True)
