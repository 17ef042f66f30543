"""What a model is, from its configuration alone."""

from __future__ import annotations

from typing import Any

import torch

from harness.clip import names, openclip
from harness.clip.backbone import Backbone, Preprocess
from harness.errors import UserError, plain_line
from harness.specs import ModelSpec


def outline(spec: ModelSpec) -> Backbone:
    """Build a model without weights, on torch's meta device: its modules and their shapes.

    Raises:
        UserError: If the name is unknown, or the configuration or a package cannot be had.
    """
    name = names.resolve(spec.name)
    if not names.has_schema(name):
        names.known_model(name)
    config = names.get_model_config_or_error(name, spec.name)
    text: Any = config["text_cfg"]
    custom = config.pop("custom_text", False) or "hf_model_name" in text
    if "hf_model_name" in text:
        text["hf_model_pretrained"] = False
    kind = (
        (openclip.CoCa if "multimodal_cfg" in config else openclip.CustomTextCLIP)
        if custom
        else openclip.CLIP
    )
    try:
        with torch.device("meta"):
            model = kind(**config)
    except (RuntimeError, ImportError, TypeError, ValueError, OSError) as error:
        fix = f"; {names.offline()}" if "hf_model_name" in text else ""
        why = plain_line(error)
        raise UserError(f"model '{spec.name}': cannot be built ({why}){fix}") from None
    size = model.visual.image_size
    side = size if isinstance(size, int) else size[0]
    usual = Preprocess(
        side, openclip.OPENAI_DATASET_MEAN, openclip.OPENAI_DATASET_STD, "bicubic", "shortest"
    )
    return Backbone(model.eval(), None, spec, usual, torch.device("meta"), "")


def model_info(spec: ModelSpec) -> dict[str, object]:
    """Describe a model from its configuration, without its weights.

    Raises:
        UserError: If the name is unknown or the configuration cannot be had.
    """
    model = outline(spec).model
    name = names.resolve(spec.name)
    config = names.get_model_config_or_error(name, spec.name)
    vision: Any = config["vision_cfg"]
    size = vision.get("image_size", 224)
    tower = type(model.visual).__name__
    layers = "-".join(map(str, n)) if isinstance(n := vision.get("layers", 12), list) else n
    width: object = vision.get("width", 768)
    if not isinstance(model.visual, openclip.VisionTransformer | openclip.ModifiedResNet):
        tower, layers, width = f"timm {vision['timm_model_name']}", "its own", "its own"
    tag = openclip.get_pretrained_cfg(name, spec.pretrained) if spec.pretrained else {}
    quick = tag.get("quick_gelu", False) if tag else config.get("quick_gelu", False)
    return {
        "model": spec.title(),
        "image tower": tower,
        "image size": size,
        "layers": layers,
        "width": width,
        "embedding": config["embed_dim"],
        "context length": model.context_length,
        "activation": "QuickGELU" if quick else "GELU",
        "image parameters": sum(p.numel() for p in model.visual.parameters()),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
