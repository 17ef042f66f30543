"""Load a pretrained CLIP, or say in one line why not."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError

from harness.clip import checkpoint, names, openclip
from harness.clip.activation import (
    check_activation,
    is_openais,
    is_torchscript,
    refuse_openai,
    say_unknown,
)
from harness.clip.backbone import Backbone, Preprocess, weights_fingerprint
from harness.clip.info import model_info
from harness.clip.names import MODEL_ALIASES
from harness.clip.vectors import learned_vectors
from harness.errors import UserError, plain_line, unknown_name
from harness.specs import ModelSpec

# What open_clip, torch and safetensors raise for a checkpoint or configuration they cannot use.
_UNLOADABLE = (
    AssertionError, AttributeError, EOFError, ImportError, KeyError, OSError, RuntimeError,
    SafetensorError, StopIteration, TypeError, UnpicklingError, ValueError, ZeroDivisionError,
)  # fmt: skip

__all__ = [
    "MODEL_ALIASES",
    "check_architecture",
    "load_backbone",
    "model_info",
    "random_backbone",
]


def load_backbone(spec: ModelSpec, device: str = "cpu") -> Backbone:
    """Load a model, frozen, in eval mode and float32.

    Args:
        spec: Its `precision` is that of the forward pass; weights are float32 always.
        device: Where to put it.

    Raises:
        UserError: If the name, tag or file is wrong, the weights cannot be fetched or do not fit,
            or OpenAI's weights are given under a configuration with another activation.
    """
    name = names.check(spec)
    backbone = _backbone(_loaded(spec, name), spec, name, device)
    if spec.elsewhere and name.startswith("local-dir:"):
        backbone.learned = learned_vectors(Path(name.removeprefix("local-dir:")))
    return backbone


def _loaded(spec: ModelSpec, name: str) -> Any:
    config = names.get_model_config_or_error(name, spec.name)
    quick = bool(config.get("quick_gelu", False))
    tag = {} if names.has_schema(name) else openclip.get_pretrained_cfg(name, spec.pretrained)
    if tag:
        # open_clip 3.3 only warns when the tag's activation is not the configuration's and then
        # computes with the wrong one. The tag knows how its weights were trained.
        quick = bool(tag.get("quick_gelu", False))
        if not quick and config.get("quick_gelu"):
            plain = name.removesuffix("-quickgelu")
            raise UserError(f"{spec.title()}: trained with another activation; use {plain}")
    if tag or name.startswith("hf-hub:"):
        model = _create(spec, name, pretrained=spec.pretrained or None, require_pretrained=True,
                        force_quick_gelu=quick)  # fmt: skip
    else:
        if spec.base:
            return _of_base(spec, name)
        model = _from_file(spec, name, quick)
    check_activation(model, quick, spec.title())
    return model


def _of_base(spec: ModelSpec, name: str) -> Any:
    """Return the model of other weights, whose image tower is then that of a file."""
    pretrained = {"pretrained": spec.base, "base": ""}
    model = _loaded(spec.model_copy(update=pretrained), name)
    checkpoint.load(_read(Path(spec.pretrained)), model, spec, completes=True)
    return model


def _from_file(spec: ModelSpec, name: str, quick: bool) -> Any:
    folder = name.removeprefix("local-dir:")
    if folder != name and spec.pretrained:
        return _of_base(spec, name)
    file = Path(
        openclip.find_checkpoint_in_dir(Path(folder)) if folder != name else spec.pretrained
    )
    if file.suffix in (".npz", ".npy"):  # big_vision's SigLIP
        model = _create(spec, name, load_weights=False, pretrained_text=False)
        try:
            openclip.load_big_vision_weights(model, str(file))
        except _UNLOADABLE as error:
            raise _explained(spec, error) from None
        return model
    weights = _read(file)
    if folder == name and not quick:
        refuse_openai(name, weights)
    model = _create(spec, name, load_weights=False, pretrained_text=False, force_quick_gelu=quick)
    checkpoint.load(weights, model, spec)
    if folder == name and not (weights.openais or is_openais(file)):
        say_unknown(name, quick, file)
    return model


def _read(file: Path) -> checkpoint.Checkpoint:
    # A TorchScript archive holds code, which loading it runs: only OpenAI's own files may.
    archive = is_torchscript(file)
    if archive and not is_openais(file):
        raise UserError(
            f"{file}: a TorchScript archive, or a zip that looks like one, and not one of "
            "OpenAI's files: loading it would run its code; save the model's state_dict() with "
            "torch.save or as safetensors, and give that"
        )
    return checkpoint.read(file, archive)


def check_architecture(spec: ModelSpec) -> str:
    """Return open_clip's name of an architecture that is to have random weights.

    Raises:
        UserError: If the name is no architecture of open_clip's, or weights are given as well.
    """
    name = names.resolve(spec.name)
    if names.has_schema(name) or spec.pretrained:
        raise UserError(
            f"random weights for {spec.title()}: it names weights of its own; give an architecture "
            "such as ViT-B-16 and no pretrained tag"
        )
    names.known_model(name)
    return name


def random_backbone(spec: ModelSpec, device: str = "cpu") -> Backbone:
    """Build an architecture of open_clip's with random weights: for costs, never for accuracy.

    Needs no network. Weights are drawn by torch's global generator. The activation is that of the
    configuration called `spec.name`.

    Raises:
        UserError: As `check_architecture` says.
    """
    name = check_architecture(spec)
    model = _create(spec, name, load_weights=False, pretrained_text=False)
    return _backbone(model, spec, name, device)


def _backbone(model: Any, spec: ModelSpec, name: str, device: str) -> Backbone:
    model.eval().requires_grad_(False).float()
    for key, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            bad = int((~torch.isfinite(tensor)).sum())
            raise UserError(
                f"weights of {spec.title()}: {bad} of {tensor.numel()} values of '{key}' are not "
                "finite; give an intact checkpoint"
            )
        if key.endswith(("visual.proj", "text_projection")) and not tensor.any():
            raise UserError(
                f"weights of {spec.title()}: all values of '{key}' are 0, so that all images or "
                "texts are alike; give an intact checkpoint"
            )
    return Backbone(
        model=model,
        tokenizer=_tokenizer(spec, name),
        spec=spec,
        preprocess=_preprocess(model, spec, name),
        device=torch.device("cpu"),
        fingerprint=weights_fingerprint(model),
    ).to(device)


def _create(spec: ModelSpec, name: str, **how: Any) -> Any:
    names.check_packages(names.get_model_config_or_error(name, spec.name), spec.name)
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # "initialized randomly", of a model that is filled next
    try:
        with names.for_open_clip(name) as called:
            return openclip.open_clip.create_model(called, **how)
    except _UNLOADABLE as error:
        raise _explained(spec, error) from None
    finally:
        logging.disable(before)


def _explained(spec: ModelSpec, error: Exception) -> UserError:
    text, line = str(error), plain_line(error)
    if "unexpected keyword" in text:
        return UserError(
            f"configuration of model {spec.name}: {line}; correct it for open_clip 3.3"
        )
    if isinstance(error, ImportError) or "pip install" in text:
        return UserError(f"model {spec.title()} needs another package: {line}")
    fetched = "download" in text.lower() or "HF Hub" in text or "could not be loaded" in text
    if fetched and not Path(spec.pretrained).is_file():
        return UserError(f"cannot get the weights of {spec.title()}; {names.offline()}")
    return UserError(f"weights of {spec.title()} cannot be used ({line}); choose another model")


_PREPARED = ("mean", "std", "interpolation", "resize_mode")


def _prepared_as(spec: ModelSpec, name: str) -> dict[str, Any]:
    """Return how the images of weights from a file were prepared, from the architecture's tags.

    Such a file does not say; open_clip would take OpenAI's mean, deviation and bicubic for it.

    Raises:
        UserError: If the tags differ and none is named.
    """
    if (
        names.has_schema(name)
        or not spec.pretrained
        or openclip.get_pretrained_cfg(name, spec.pretrained)
    ):
        return {}
    ways = {tag: _way(name, tag) for tag in openclip.list_pretrained_tags_by_model(name)}
    if spec.preprocess and spec.preprocess not in ways:
        raise unknown_name(f"tag of {name}", spec.preprocess, ways, "for preprocess")
    if (asked := spec.preprocess or spec.base) in ways:
        return ways[asked]
    distinct: dict[str, str] = {}
    for tag, way in ways.items():
        distinct.setdefault(str(way), tag)
    if len(distinct) > 1:
        raise UserError(
            f"{spec.pretrained}: weights of {name} were trained on images prepared in "
            f"{len(distinct)} ways; name the tag whose way is theirs: --preprocess "
            f"{' or '.join(sorted(distinct.values()))}"
        )
    return next(iter(ways.values()), {})


def _way(name: str, tag: str) -> dict[str, Any]:
    config = openclip.get_pretrained_cfg(name, tag)
    usual = {
        "mean": openclip.OPENAI_DATASET_MEAN,
        "std": openclip.OPENAI_DATASET_STD,
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    }
    found = {key: config.get(key) or usual[key] for key in _PREPARED}
    return found | {key: tuple(found[key]) for key in ("mean", "std")}


def _tokenizer(spec: ModelSpec, name: str) -> Any:
    try:
        with names.for_open_clip(name) as called:
            return openclip.open_clip.get_tokenizer(called)
    except (ImportError, OSError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        text = names.get_model_config_or_error(name, spec.name)["text_cfg"]
        which = text.get("hf_tokenizer_name") or "of open_clip"
        raise UserError(
            f"{spec.title()}: its tokenizer {which} cannot be had ({plain_line(error)}); "
            f"{names.offline()}"
        ) from None


def _is_colour(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 3
        and all(isinstance(x, int | float) and math.isfinite(x) for x in value)
    )


def _sides(size: Any) -> tuple[Any, ...]:
    return tuple(size) if isinstance(size, list | tuple) else (size, size)


def _given_size(folder: Path) -> Any:
    """Return the size of images that a folder of open_clip's names, if it does."""
    file = folder / "open_clip_config.json"
    if not file.is_file():
        return None
    prepared = json.loads(file.read_text(encoding="utf-8")).get("preprocess_cfg")
    return prepared.get("size") if isinstance(prepared, dict) else None


def _preprocess(model: Any, spec: ModelSpec, name: str) -> Preprocess:
    config = {**model.visual.preprocess_cfg, **_prepared_as(spec, name)}
    if config["resize_mode"] not in ("shortest", "squash"):
        raise UserError(
            f"{spec.title()} pads its images (resize_mode '{config['resize_mode']}'), which is not "
            "supported; use a model that crops or squashes them"
        )
    for field in ("mean", "std"):
        if not _is_colour(config[field]) or (field == "std" and min(config[field]) <= 0):
            raise UserError(
                f"{spec.title()}: preprocess_cfg.{field} of its configuration is "
                f"{config[field]!r}; three numbers are needed, deviations above 0"
            )
    if config["interpolation"] not in ("bilinear", "bicubic"):
        raise UserError(
            f"{spec.title()}: preprocess_cfg.interpolation of its configuration is "
            f"{config['interpolation']!r}; use bilinear or bicubic"
        )
    sides = _sides(config["size"])
    if name.startswith("local-dir:"):  # open_clip puts the model's own in place of what is given
        given = _given_size(Path(name.removeprefix("local-dir:")))
        if given is not None and _sides(given) != sides:
            raise UserError(
                f"{spec.title()}: preprocess_cfg.size of its configuration is {given!r}, but the "
                f"model takes images of {sides[0]} pixels; correct it"
            )
    if len(set(sides)) != 1:
        raise UserError(f"{spec.title()} takes {sides[0]}x{sides[-1]} images; use a square one")
    return Preprocess(
        image_size=int(sides[0]),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=str(config["interpolation"]),
        resize_mode=str(config["resize_mode"]),
    )
