"""Zero-shot CLIP: the class whose prompt is nearest to the image."""

from __future__ import annotations

import torch

from harness.clip.backbone import Backbone
from harness.method import MethodConfig, Task
from harness.training.text_head import TextHeadMethod


class ZeroShotConfig(MethodConfig):
    """Nothing to set: the prompt is the data set's."""


class ZeroShot(TextHeadMethod[ZeroShotConfig]):
    """The pretrained model as it is, one prompt per class.

    Radford et al., ICML 2021, section 3.1: argmax over classes of ``<f, T_c>``. Without the
    ensemble of 80 prompts that the paper uses on ImageNet.
    """

    name = "zero_shot"
    summary = "CLIP without training"
    citation = (
        "Radford et al., Learning Transferable Visual Models From Natural Language Supervision, "
        "ICML 2021, arXiv 2103.00020"
    )
    Config = ZeroShotConfig
    trains = False
    frozen_image_tower = True
    as_it_came = True
    reference = 1
    """Without any other, the gain over CLIP as it came is what is asked."""

    def build(self, backbone: Backbone, task: Task) -> dict[str, torch.nn.Parameter]:
        """Prepare for the task; nothing trains."""
        super().build(backbone, task)
        return {}
