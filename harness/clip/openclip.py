"""The one place that imports open_clip, once torchvision can be imported.

Written for open_clip 3.3: the functional attention reads the parameters of its modules by name.
"""

from harness.clip.compat import ensure_torchvision

ensure_torchvision()

import open_clip  # noqa: E402  (after torchvision is known to import)
from open_clip.coca_model import CoCa  # noqa: E402
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD  # noqa: E402
from open_clip.convert import convert_state_dict, load_big_vision_weights  # noqa: E402
from open_clip.factory import _find_checkpoint_in_dir as find_checkpoint_in_dir  # noqa: E402
from open_clip.factory import get_model_config  # noqa: E402
from open_clip.model import (  # noqa: E402
    CLIP,
    CustomTextCLIP,
    convert_to_custom_text_state_dict,
)
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
    "convert_state_dict",
    "convert_to_custom_text_state_dict",
    "find_checkpoint_in_dir",
    "get_model_config",
    "get_pretrained_cfg",
    "list_pretrained_tags_by_model",
    "load_big_vision_weights",
    "open_clip",
]
