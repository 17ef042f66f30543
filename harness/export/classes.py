"""The classifier of a finished run as one vector for each class.

Whoever loads an exported model has an image tower and these vectors: cosines, times the scale, are
the method's logits. That holds for methods whose logits are linear in the feature of the plain
tower, and is tried before anything is written.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.errors import UserError
from harness.prompts import Template
from harness.seeding import generator
from harness.specs import RunSpec
from harness.training.build import BuiltMethod

ClassNames = tuple[str, ...]
_CLOSE = 1e-3
"""Of cosines: what float32 leaves, and far below what changes an answer."""


def are_texts(vectors: Tensor, built: BuiltMethod, template: Template, names: ClassNames) -> bool:
    """Tell whether the classes' vectors are no more than the features of their texts."""
    try:
        texts = built.backbone.text_features(names, template)
    except UserError:  # too long for the model, which does without
        return False
    return torch.allclose(vectors, texts.cpu(), atol=_CLOSE)


@torch.no_grad()
def class_vectors(built: BuiltMethod, spec: RunSpec, class_names: ClassNames) -> Tensor:
    """Return the vectors [C, D], float32 on the CPU, whose products with features are cosines.

    Args:
        built: The finished method.
        spec: Its run, for messages.
        class_names: C classes.

    Raises:
        UserError: If the method classifies otherwise, so that no such vectors exist.
    """
    method, backbone = built.method, built.backbone
    size, device = backbone.preprocess.image_size, backbone.device
    images = torch.randn(4, 3, size, size, generator=generator("export images")).to(device)
    own, plain = method.image_features(images), backbone.image_features(images)
    if own.shape != plain.shape or not torch.allclose(own, plain, atol=_CLOSE):
        raise UserError(
            f"run {spec.id}: method '{spec.method}' computes image features otherwise than the "
            "tower alone, which is all that a folder can hold; use it through this harness"
        )
    scale = backbone.logit_scale
    axes = torch.eye(plain.shape[1], device=device)
    vectors = method.logits(axes, class_names).T.float() / scale
    again = method.logits(own, class_names).float() / scale
    if not torch.allclose(own @ vectors.T, again, atol=_CLOSE):
        raise UserError(
            f"run {spec.id}: logits of method '{spec.method}' are no products of the image's "
            "feature with a vector of each class; use it through this harness"
        )
    return vectors.cpu()
