"""Random generators that do not depend on order: seeded by what they are for.

Every draw of a run comes from `generator(seed, purpose, ...)`, with the step among the purposes,
so a resumed run needs no generator state to continue with the same numbers. Torch is imported by
the functions that need it: the report derives its seeds here and does without.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def derive(*names: object) -> int:
    """Hash the named dimensions to 63 bits; the same on every machine and Python."""
    text = "\0".join(repr(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*names: object) -> torch.Generator:
    """Return a CPU generator seeded with `derive(*names)`."""
    import torch

    return torch.Generator().manual_seed(derive(*names))


def repeat_on_gpu() -> None:
    """Ask CUDA for the kernels that give the same sums again, in full float32, where it has them.

    Where it has none (the backward pass of fused attention in float32) torch only warns: a GPU's
    numbers repeat closely, not to the byte. To be called before anything is computed there.
    """
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    tf32(False)


class tf32:
    """Allow or forbid TF32 on CUDA, from now on or for a ``with`` block."""

    def __init__(self, allowed: bool) -> None:
        import torch

        places: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
        self._places = places
        self._before = [place.allow_tf32 for place in places]
        for place in places:
            place.allow_tf32 = allowed

    def __enter__(self) -> None:
        """Nothing is left to do."""

    def __exit__(self, *_: object) -> None:
        for place, before in zip(self._places, self._before, strict=True):
            place.allow_tf32 = before


def domainbed_seed(*args: object) -> int:
    """DomainBed's ``seed_hash``: MD5 of the tuple's text, modulo 2**31 (its lib/misc.py)."""
    return int(hashlib.md5(str(args).encode(), usedforsecurity=False).hexdigest(), 16) % 2**31
