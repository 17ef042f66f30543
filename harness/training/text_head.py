"""What methods share that classify an image by the frozen text features of class names."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.clip.forward import TraceRequest, check_request
from harness.errors import UserError
from harness.method import Batch, ConfigT, Method, Task
from harness.training.losses import cosine_logits


class TextHeadMethod(Method[ConfigT]):
    """The whole image tower trains against frozen text features; inference is zero-shot CLIP's.

    A method built on it writes ``losses``. CLIPood and AlignCLIP train every parameter of the
    tower, class and position embeddings included, but not the logit scale (their released code).
    """

    backbone: Backbone
    task: Task
    text: Tensor
    """[C, D] unit-norm features of the training classes, set by ``build``."""

    def build(self, backbone: Backbone, task: Task) -> dict[str, torch.nn.Parameter]:
        """Keep the backbone and the classes' text features; the image tower trains.

        Raises:
            UserError: If the template or a class name makes no prompt.
        """
        self.backbone = backbone
        self.task = task
        self.text = backbone.text_features(task.class_names, task.template)
        return dict(backbone.visual.named_parameters())

    def image_features(self, images: Tensor) -> Tensor:
        """Return [B, D] float32 unit-norm features of [B, 3, H, W] images."""
        return self.backbone.image_features(images)

    def logits(self, features: Tensor, class_names: tuple[str, ...]) -> Tensor:
        """Return [B, C] scaled cosines of [B, D] features with the prompts of any class names."""
        text = self.backbone.text_features(class_names, self.task.template)
        return cosine_logits(features, text, self.backbone.logit_scale)


def images_of(batch: Batch) -> Tensor:
    """Return a batch's images [B, 3, H, W].

    Raises:
        ValueError: If it carries features instead.
    """
    if batch.images is None:
        raise ValueError("the batch has no images; this method trains the image tower")
    return batch.images


def check_trace(backbone: Backbone, request: TraceRequest, asked: str) -> None:
    """Refuse an image tower that cannot give what a method will ask for.

    Args:
        backbone: With or without weights.
        request: What the method will ask for.
        asked: Method and settings, for the message.

    Raises:
        UserError: If the tower has no such thing, or too few blocks.
    """
    try:
        check_request(backbone.visual, request, backbone.spec.title())
    except UserError as error:
        raise UserError(f"{asked}: {error}") from None
