"""A trained linear classifier that begins as zero-shot CLIP."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.errors import UserError
from harness.training.losses import cosine_logits
from harness.training.positions import positions


class LinearHead(nn.Module):
    """Logits ``<f, w_c> + b_c`` with ``w_c = s T_c`` and ``b_c = 0`` at the beginning.

    The form of WiSE-FT's released code: the logit scale is in the weights, so that a step of the
    optimiser is small against them. It knows the training classes only.
    """

    def __init__(
        self, text: Tensor, scale: float, class_names: tuple[str, ...], owner: str
    ) -> None:
        """Begin with the classes' texts.

        Args:
            text: [C, D] unit-norm features of the training classes; copied.
            scale: Inverse temperature s.
            class_names: The C training classes.
            owner: The method's name, for errors.
        """
        super().__init__()
        self.class_names = tuple(class_names)
        self.owner = owner
        self.weight = nn.Parameter(scale * text)
        self.bias = nn.Parameter(torch.zeros(len(text), device=text.device))

    def forward(self, features: Tensor) -> Tensor:
        """Return [B, C] logits of [B, D] unit-norm features over the training classes."""
        return cosine_logits(features, self.weight, 1.0) + self.bias

    def logits(self, features: Tensor, class_names: tuple[str, ...]) -> Tensor:
        """Return [B, C'] logits over some of the training classes, in any order.

        Raises:
            UserError: For a class that was not trained.
        """
        places = positions(class_names, self.class_names)
        if places is None:
            unseen = [name for name in class_names if name not in self.class_names]
            raise UserError(
                f"method '{self.owner}' with train_head=true has no head for class '{unseen[0]}'; "
                "set train_head=false to test unseen classes"
            )
        return self.forward(features)[:, places]
