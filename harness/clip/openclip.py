"""The one place that imports open_clip: when something of it is first used, for it takes seconds.

Written for open_clip 3.3: the functional attention reads the parameters of its modules by name.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.clip.compat import ensure_torchvision

if TYPE_CHECKING:
    import open_clip
    from open_clip.coca_model import CoCa
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
    from open_clip.convert import convert_state_dict, load_big_vision_weights
    from open_clip.factory import _find_checkpoint_in_dir as find_checkpoint_in_dir
    from open_clip.factory import get_model_config
    from open_clip.model import CLIP, CustomTextCLIP, convert_to_custom_text_state_dict
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model
    from open_clip.transformer import QuickGELU, TextTransformer, VisionTransformer

__all__ = [
    "CLIP",
    "OPENAI_DATASET_MEAN",
    "OPENAI_DATASET_STD",
    "CoCa",
    "CustomTextCLIP",
    "ModifiedResNet",
    "QuickGELU",
    "TextTransformer",
    "VisionTransformer",
    "convert_state_dict",
    "convert_to_custom_text_state_dict",
    "find_checkpoint_in_dir",
    "get_model_config",
    "get_pretrained_cfg",
    "list_pretrained_tags_by_model",
    "load_big_vision_weights",
    "open_clip",
]
_HOMES = {
    "coca_model": ("CoCa",),
    "constants": ("OPENAI_DATASET_MEAN", "OPENAI_DATASET_STD"),
    "convert": ("convert_state_dict", "load_big_vision_weights"),
    "factory": ("get_model_config",),
    "model": ("CLIP", "CustomTextCLIP", "convert_to_custom_text_state_dict"),
    "modified_resnet": ("ModifiedResNet",),
    "pretrained": ("get_pretrained_cfg", "list_pretrained_tags_by_model"),
    "transformer": ("QuickGELU", "TextTransformer", "VisionTransformer"),
}


@contextmanager
def _unseen(package: str) -> Iterator[None]:
    """Let `package` look as if it was not installed: timm imports wandb wherever it finds it."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    ensure_torchvision()
    with _unseen("wandb"):
        package = importlib.import_module("open_clip")
    found: dict[str, Any] = {"open_clip": package}
    found["find_checkpoint_in_dir"] = package.factory._find_checkpoint_in_dir
    for home, names in _HOMES.items():
        module = importlib.import_module(f"open_clip.{home}")
        found |= {each: getattr(module, each) for each in names}
    globals().update(found)
    return found[name]
