"""ImageNet-C's corruptions of prepared images, the same bytes whenever and wherever computed."""

from __future__ import annotations

import threading

import numpy as np
import torch
from torch import Tensor

from harness.errors import UserError
from harness.seeding import derive

LEAST_SIDE = 32
"""Pixels: what the library takes."""
_GIVEN_A_SEED = ("impulse_noise", "glass_blur")
"""Which draw from generators of their own; the others draw from NumPy's global one."""
_one_at_a_time = threading.Lock()


def corrupted(pixels: Tensor, key: str, corruption: str) -> Tensor:
    """Return [3, S, S] uint8 pixels with a corruption, which the key seeds.

    What the library draws from is one for all threads, and is left as it was found.

    Args:
        pixels: Resized and cropped, as ImageNet-C's images were before they were corrupted.
        key: Of the image.
        corruption: Kind and severity, ``fog 3``.

    Raises:
        UserError: If the image is too small.
    """
    side = pixels.shape[-1]
    if side < LEAST_SIDE:
        raise UserError(
            f"protocol corruptions: the model takes images of {side} pixels, the corruptions need "
            f"{LEAST_SIDE}; use another model"
        )
    from imagecorruptions import corrupt  # an extra, and slow to import

    kind, severity = corruption.split()
    seed = derive("corruption", key, corruption) % 2**31
    own = {"seed": seed} if kind in _GIVEN_A_SEED else {}
    with _one_at_a_time:
        before = np.random.get_state()
        try:
            np.random.seed(seed)
            made = corrupt(pixels.permute(1, 2, 0).numpy(), int(severity), kind, **own)
        finally:
            np.random.set_state(before)
    return torch.from_numpy(np.array(made)).permute(2, 0, 1).contiguous()
