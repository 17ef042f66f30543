"""CLIP in the layout of transformers, from open_clip's and back.

Both hold the same numbers: transformers has queries, keys and values in layers of their own and
projections as linear layers. ``CLIPModel`` has the two transformers with pooling by class token and
by end of text; other towers have no such form.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.clip import openclip
from harness.errors import UserError, plain_line

WEIGHTS, CONFIG, IMAGES = "model.safetensors", "config.json", "preprocessor_config.json"
_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_WHOLE = {
    "logit_scale": "logit_scale",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    # transformers' own spelling
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
}
_PROJECTIONS = {
    "text_projection": "text_projection.weight",
    "visual.proj": "visual_projection.weight",
}
_TOWERS = {
    "transformer.resblocks.": "text_model.encoder.layers.",
    "visual.transformer.resblocks.": "vision_model.encoder.layers.",
}


def to_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return open_clip's weights under transformers' names.

    Raises:
        UserError: Naming a weight that ``CLIPModel`` has no place for.
    """
    made: dict[str, Tensor] = {}
    for key, value in state.items():
        if key in _WHOLE:
            made[_WHOLE[key]] = value
        elif key in _PROJECTIONS:
            made[_PROJECTIONS[key]] = value.T.contiguous()
        elif key != "attn_mask":
            made |= _block_to(key, value)
    return made


def _block_to(key: str, value: Tensor) -> dict[str, Tensor]:
    for ours, theirs in _TOWERS.items():
        if key.startswith(ours):
            number, _, rest = key.removeprefix(ours).partition(".")
            module, _, kind = rest.rpartition(".")
            if rest in ("attn.in_proj_weight", "attn.in_proj_bias"):
                kind = rest.removeprefix("attn.in_proj_")
                return {
                    f"{theirs}{number}.self_attn.{name}_proj.{kind}": part.contiguous()
                    for name, part in zip("qkv", value.chunk(3), strict=True)
                }
            if module in _BLOCK:
                return {f"{theirs}{number}.{_BLOCK[module]}.{kind}": value}
    raise UserError(f"weight '{key}': transformers' CLIPModel has no place for it; use open_clip's")


def from_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return transformers' weights under open_clip's names.

    Raises:
        UserError: Naming a weight that a CLIP of two transformers does not have.
    """
    whole = {theirs: ours for ours, theirs in _WHOLE.items()}
    projections = {theirs: ours for ours, theirs in _PROJECTIONS.items()}
    made: dict[str, Tensor] = {}
    heads: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        if key in whole:
            made[whole[key]] = value
        elif key in projections:
            made[projections[key]] = value.T.contiguous()
        elif not key.endswith("position_ids"):
            _block_from(key, value, made, heads)
    for key, parts in heads.items():
        made[key] = torch.cat([parts[name] for name in "qkv"])
    return made


def _block_from(
    key: str, value: Tensor, made: dict[str, Tensor], heads: dict[str, dict[str, Tensor]]
) -> None:
    modules = {theirs: ours for ours, theirs in _BLOCK.items()}
    for ours, theirs in _TOWERS.items():
        if not key.startswith(theirs):
            continue
        number, _, rest = key.removeprefix(theirs).partition(".")
        module, _, kind = rest.rpartition(".")
        if module in modules:
            made[f"{ours}{number}.{modules[module]}.{kind}"] = value
            return
        name = module.removeprefix("self_attn.").removesuffix("_proj")
        if name in ("q", "k", "v"):
            heads.setdefault(f"{ours}{number}.attn.in_proj_{kind}", {})[name] = value
            return
    raise UserError(f"weight '{key}': no CLIP of transformers' has it; give a CLIPModel")


def config_to(config: dict[str, Any], heads: tuple[int, int]) -> dict[str, Any]:
    """Return transformers' ``config.json`` of open_clip's configuration.

    Args:
        config: ``model_cfg``.
        heads: Of the image tower and of the text tower.
    """
    image, text = config["vision_cfg"], config["text_cfg"]
    activation = "quick_gelu" if config.get("quick_gelu") else "gelu"
    ratio = {name: int(part.get("mlp_ratio", 4.0) * part["width"])
             for name, part in (("image", image), ("text", text))}  # fmt: skip
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": config["embed_dim"],
        "vision_config": {
            "model_type": "clip_vision_model",
            "hidden_size": image["width"],
            "intermediate_size": ratio["image"],
            "num_hidden_layers": image["layers"],
            "num_attention_heads": heads[0],
            "image_size": image["image_size"],
            "patch_size": image["patch_size"],
            "hidden_act": activation,
            "projection_dim": config["embed_dim"],
        },
        "text_config": {
            "model_type": "clip_text_model",
            "hidden_size": text["width"],
            "intermediate_size": ratio["text"],
            "num_hidden_layers": text["layers"],
            "num_attention_heads": heads[1],
            "max_position_embeddings": text.get("context_length", 77),
            "vocab_size": text.get("vocab_size", 49408),
            "hidden_act": activation,
            "projection_dim": config["embed_dim"],
            "bos_token_id": 49406,
            "eos_token_id": 49407,
        },
    }


_FIXED = {"layer_norm_eps": (1e-5,), "eos_token_id": (49407, 2)}
"""What open_clip's towers have no setting for. An end of 2, of early files, stands for the highest
token, as open_clip looks for it."""


def config_from(config: dict[str, Any]) -> dict[str, Any]:
    """Return open_clip's ``model_cfg`` of transformers' ``config.json``.

    Raises:
        UserError: If it is no CLIP, or of an activation that open_clip's has not.
    """
    if config.get("model_type") != "clip":
        kind = config.get("model_type")
        raise UserError(f"config.json: model_type is '{kind}'; only clip can be converted")
    image, text = config["vision_config"], config["text_config"]
    activations = {part.get("hidden_act", "quick_gelu") for part in (image, text)}
    if activations not in ({"quick_gelu"}, {"gelu"}):
        raise UserError(f"config.json: hidden_act is {sorted(activations)}; quick_gelu or gelu")
    for name, part in (("vision_config", image), ("text_config", text)):
        for field, wanted in _FIXED.items():
            if part.get(field, wanted[0]) not in wanted:
                known = " or ".join(map(str, wanted))
                raise UserError(f"config.json: {name}.{field} is {part[field]!r}; {known}")
    width = image.get("hidden_size", 768)
    return {
        "embed_dim": config.get("projection_dim", 512),
        "quick_gelu": activations == {"quick_gelu"},
        "vision_cfg": {
            "image_size": image.get("image_size", 224),
            "layers": image.get("num_hidden_layers", 12),
            "width": width,
            "head_width": width // image.get("num_attention_heads", 12),
            "patch_size": image.get("patch_size", 32),
            "mlp_ratio": image.get("intermediate_size", 4 * width) / width,
        },
        "text_cfg": {
            "context_length": text.get("max_position_embeddings", 77),
            "vocab_size": text.get("vocab_size", 49408),
            "width": text.get("hidden_size", 512),
            "heads": text.get("num_attention_heads", 8),
            "layers": text.get("num_hidden_layers", 12),
        },
    }


def is_folder(folder: Path) -> bool:
    """Tell whether a folder is in transformers' layout and not in open_clip's."""
    return (folder / CONFIG).is_file() and not (folder / "open_clip_config.json").is_file()


def folder_config(folder: Path) -> dict[str, Any]:
    """Return what open_clip's ``open_clip_config.json`` would say of a folder of transformers'.

    Raises:
        UserError: Naming the file and what is wrong with it.
    """
    try:
        model = config_from(_json(folder / CONFIG))
    except (AttributeError, KeyError, TypeError, ZeroDivisionError) as error:
        why = plain_line(error)
        raise UserError(f"{folder / CONFIG}: not that of a CLIP ({why}); fetch it again") from None
    given = _json(folder / IMAGES) if (folder / IMAGES).is_file() else {}
    side = model["vision_cfg"]["image_size"]
    squash = isinstance(size := given.get("size", side), dict) and "height" in size
    for field, wanted in _images(side, squash).items():
        if field in given and given[field] not in wanted:
            raise UserError(
                f"{folder / IMAGES}: {field} is {given[field]!r}; of a CLIP for images of {side} "
                f"pixels {' or '.join(map(repr, wanted))} can be read"
            )
    images = {
        "size": [side, side],
        "mode": "RGB",
        "mean": given.get("image_mean", list(openclip.OPENAI_DATASET_MEAN)),
        "std": given.get("image_std", list(openclip.OPENAI_DATASET_STD)),
        "interpolation": _RESAMPLE[given.get("resample", 3)],
        "resize_mode": "squash" if squash else "shortest",
        "fill_color": 0,
    }
    return {"model_cfg": model, "preprocess_cfg": images}


_RESAMPLE = {2: "bilinear", 3: "bicubic"}


def _images(side: int, squash: bool) -> dict[str, list[Any]]:
    """Return the values of image settings that have a form in open_clip's; others are refused."""
    square = {"height": side, "width": side}
    return {
        "size": [square] if squash else [side, {"shortest_edge": side}],
        "crop_size": [side, square],
        "resample": list(_RESAMPLE),
        "do_resize": [True],
        "do_center_crop": [True, False] if squash else [True],
        "do_rescale": [True],
        "rescale_factor": [1 / 255],
        "do_normalize": [True],
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({plain_line(error)}); fetch it again") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: holds no settings; fetch it again")
    return found
