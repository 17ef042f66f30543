"""ImageNet-C's corruptions of prepared images, the same bytes whenever and wherever computed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor

from harness.dataset import Sample
from harness.errors import UserError
from harness.seeding import derive

LEAST_SIDE = 32
"""Pixels: what the library takes."""
_GIVEN_A_SEED = ("impulse_noise", "glass_blur")
"""Which draw from generators of their own."""
_GLOBAL = (
    "gaussian_noise", "shot_noise", "motion_blur", "snow", "frost", "fog", "elastic_transform",
)  # fmt: skip
"""Which draw from NumPy's global one. The others draw nothing."""
_one_at_a_time = threading.Lock()


def made_by(samples: Iterable[Sample]) -> str:
    """Return what corrupted pixels depend on, too; nothing where all are clean."""
    return version("imagecorruptions-imaug") if any(s.corruption for s in samples) else ""


def corrupted(pixels: Tensor, key: str, corruption: str) -> Tensor:
    """Return [3, S, S] uint8 pixels with a corruption, which the key seeds.

    NumPy's global generator is one for all threads, and is left as it was found.

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
    with _seeded(seed) if kind in _GLOBAL else nullcontext():
        made = corrupt(pixels.permute(1, 2, 0).numpy(), int(severity), kind, **own)
    return torch.from_numpy(np.array(made)).permute(2, 0, 1).contiguous()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with _one_at_a_time:
        before = np.random.get_state()
        try:
            np.random.seed(seed)
            yield
        finally:
            np.random.set_state(before)
