"""The one place that imports open_clip, once torchvision can be imported.

Written for open_clip 3.3: the functional attention reads the parameters of its modules by name.
"""

from harness.clip.compat import ensure_torchvision

ensure_torchvision()

import open_clip  # noqa: E402  (after torchvision is known to import)
from open_clip.coca_model import CoCa  # noqa: E402
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD  # noqa: E402
from open_clip.factory import get_model_config  # noqa: E402
from open_clip.model import CLIP, CustomTextCLIP  # noqa: E402
from open_clip.modified_resnet import ModifiedResNet  # noqa: E402
from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model  # noqa: E402
from open_clip.transformer import (  # noqa: E402
    QuickGELU,
    TextTransformer,
    VisionTransformer,
)

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
    "get_model_config",
    "get_pretrained_cfg",
    "list_pretrained_tags_by_model",
    "open_clip",
]
