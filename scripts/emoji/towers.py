"""The model's shape, and open_clip imported beside any torch."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from harness.clip.compat import ensure_torchvision

ensure_torchvision()
import open_clip  # noqa: E402
from open_clip.model import CLIP  # noqa: E402

__all__ = ["CLIP", "EMBED", "MEAN", "STD", "TEXT", "VISION", "open_clip"]

EMBED = 128
VISION = {"image_size": 48, "patch_size": 8, "layers": 6, "width": 96, "head_width": 32}
TEXT = {"context_length": 24, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 3}
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
