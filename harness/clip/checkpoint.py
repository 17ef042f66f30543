"""Weights from a file: what wraps them is taken off, and what does not fit says why.

open_clip stretches position embeddings of another image size or prompt length to the model's, in
silence, and knows one prefix and one wrapper. So files are read, and compared with the model, here.
"""

from __future__ import annotations

import math
import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from harness.clip import openclip, transformers
from harness.clip.info import outline
from harness.errors import UserError, plain_line
from harness.specs import ModelSpec

_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("module.", "model.", "_orig_mod.")
_OPENAIS = ("input_resolution", "context_length", "vocab_size")
_SAVE = "torch.save(model.state_dict(), 'weights.pt')"
_HEADS = (
    "classification_head.weight", "classifier.weight", "fc.weight", "head.weight",
    "heads.head.weight",
)  # fmt: skip
"""Layers that classify, of WiSE-FT and FLYP, of torchvision and timm; no CLIP has one."""

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Checkpoint:
    """A file's weights by their names in the whole model."""

    file: Path
    state: dict[str, Tensor]
    openais: bool
    """It has the three numbers beside its weights that OpenAI's state dicts have."""


def read(file: Path, trusted_archive: bool = False) -> Checkpoint:
    """Read a file of weights; nothing in it is executed, but in a TorchScript archive.

    Args:
        file: safetensors, or what ``torch.save`` wrote.
        trusted_archive: It is a TorchScript archive of OpenAI's.

    Raises:
        UserError: If it cannot be read, or holds no weights, or more than weights.
    """
    try:
        if trusted_archive:
            found: Any = torch.jit.load(str(file), map_location="cpu").state_dict()  # type: ignore[no-untyped-call]
        elif file.suffix == ".safetensors":
            found = load_file(file)
        else:
            with warnings.catch_warnings():  # of odd pickles; what is wrong is said below
                warnings.simplefilter("ignore")
                found = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(_not_weights_alone(file, str(error))) from None
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise UserError(
            f"weights of '{file.name}' cannot be read as a model checkpoint ({plain_line(error)}); "
            "give an intact file"
        ) from None
    return _unwrapped(file, found)


def _not_weights_alone(file: Path, text: str) -> str:
    named = re.search(r"GLOBAL (\S+)", text)
    if named is None:
        return f"weights of '{file.name}' cannot be read as a model checkpoint; give an intact file"
    return (
        f"{file}: it holds {named[1]}, not weights alone, and loading that could run code; where "
        f"it was made save the weights: {_SAVE}, or safetensors"
    )


def _unwrapped(file: Path, found: Any) -> Checkpoint:
    while isinstance(found, Mapping):
        inner = [found[key] for key in _WRAPPERS if isinstance(found.get(key), Mapping)]
        if not inner:
            break
        found = inner[0]
    state = {
        str(key).replace("_orig_mod.", ""): value
        for key, value in (found.items() if isinstance(found, Mapping) else ())
        if isinstance(value, Tensor) and key != "n_averaged"
    }
    while state and any(all(key.startswith(p) for key in state) for p in _PREFIXES):
        state = {key.split(".", 1)[1]: value for key, value in state.items()}
    openais = {key for key in state if key in _OPENAIS} | {
        key for key in _OPENAIS if isinstance(found, Mapping) and key in found
    }
    state = {key: value for key, value in state.items() if key not in _OPENAIS}
    for key, value in state.items():
        if value.is_complex() or value.is_meta or value.layout is not torch.strided:
            kind = "complex" if value.is_complex() else "empty" if value.is_meta else "sparse"
            raise UserError(f"{file}: tensor '{key}' is {kind}; save it as plain real numbers")
    for head in _HEADS:
        if head in state:
            raise UserError(
                f"{file}: it classifies by a layer of its own ('{head}', {len(state[head])} "
                "outputs), and nothing in it says which class an output is; give the state dict of "
                "the CLIP within (of WiSE-FT and FLYP image_encoder.model), whose texts classify"
            )
    if "vision_model.embeddings.class_embedding" in state:
        try:
            state = transformers.from_transformers(state)
        except UserError as error:
            raise UserError(f"{file}: {error}") from None
    if not state:
        raise UserError(
            f"weights of '{file.name}' cannot be read as a model checkpoint: a "
            f"{type(found).__name__} without weights; save them: {_SAVE}"
        )
    return Checkpoint(file, state, len(openais) == len(_OPENAIS))


def load(checkpoint: Checkpoint, model: Any, spec: ModelSpec, completes: bool = False) -> None:
    """Put the weights into a model that has exactly their shapes.

    Args:
        checkpoint: The weights.
        model: Of these shapes.
        spec: Names the model in messages.
        completes: What an image tower alone lacks stays as the model has it.

    Raises:
        UserError: If a tower is missing, or they are another model's; nothing is resized.
    """
    state = _as_open_clip(checkpoint.state, model)
    if completes:
        state = _completed(checkpoint.file, state, model, spec)
    given, wanted = shapes(state), shapes(model.state_dict())
    for wrong in (_missing_tower, _other_positions, _other_shapes):
        what = wrong(given, wanted, model)
        if what:
            raise UserError(f"{checkpoint.file}: {what.format(model=spec.name)}")
    model.load_state_dict(state)


def shapes(state: Mapping[str, Tensor]) -> Shapes:
    """Return the shape of every weight."""
    return {key: tuple(value.shape) for key, value in state.items()}


def _as_open_clip(state: dict[str, Tensor], model: Any) -> dict[str, Tensor]:
    """Rename what older or other code named differently, as open_clip itself does."""
    state = dict(openclip.convert_state_dict(model, state))
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = openclip.convert_to_custom_text_state_dict(state)
    state.pop("text.transformer.embeddings.position_ids", None)
    for key in ("logit_scale", "logit_bias"):
        own = getattr(model, key, None)
        if own is not None and key in state and state[key].numel() == 1:
            state[key] = state[key].reshape(own.shape)
    if getattr(model, "logit_bias", None) is not None:
        # of a model that was not trained as SigLIP; it moves all logits alike
        state.setdefault("logit_bias", torch.zeros_like(model.logit_bias))
    return state


def _completed(
    file: Path, state: dict[str, Tensor], model: Any, spec: ModelSpec
) -> dict[str, Tensor]:
    """Return the weights of an image tower, bare or as visual.*, and the model's own others.

    What is no image tower stays as it is.
    """
    own = model.state_dict()
    if spec.base and own.keys() <= state.keys():
        raise UserError(f"{file}: a whole model, which nothing completes; leave base empty")
    image = {key for key in own if key.startswith("visual.")}
    bare = {f"visual.{key}": value for key, value in state.items()}
    if len(bare.keys() & image) > len(state.keys() & own.keys()):
        state = bare
    if not state.keys() & image:
        return state
    return {key: value for key, value in own.items() if key not in image} | state


def _missing_tower(given: Shapes, wanted: Shapes, model: Any) -> str:
    image = {key for key in wanted if key.startswith("visual.")}
    text = {key for key in wanted if key not in image and not key.startswith("logit_")}
    bare = {part.removeprefix("trunk.") for part in (k.removeprefix("visual.") for k in image)}
    has_image = any(key.startswith("visual.") for key in given)
    alone = (
        bool(text) and not text & set(given)
        if has_image
        else len(bare & set(given)) > len(text & set(given))
    )
    if alone:
        return (
            "an image tower alone: the text tower is missing; give the checkpoint of the whole "
            "model, the image tower as visual.*, or name the weights it was trained from, which "
            "complete it (`evaluate --base`)"
        )
    if not has_image and text & set(given):
        return "a text tower alone: the image tower (visual.*) is missing; give the whole model's"
    if not has_image:
        return (
            f"weights of other names than open_clip's, such as '{next(iter(given))}'; convert them "
            "to open_clip's state dict"
        )
    return ""


def _other_positions(given: Shapes, wanted: Shapes, model: Any) -> str:
    key = "visual.positional_embedding"
    if _rows_differ(given, wanted, key) and given.get("visual.conv1.weight") == wanted.get(
        "visual.conv1.weight"
    ):
        patch = wanted["visual.conv1.weight"][-1]
        trained, takes = (patch * math.isqrt(part[key][0] - 1) for part in (given, wanted))
        return (
            f"trained on {trained}-pixel images, and {{model}} takes {takes} (its position "
            f"embeddings would be stretched); {_use(given)}"
        )
    for key in ("positional_embedding", "text.positional_embedding"):
        if _rows_differ(given, wanted, key):
            return (
                f"trained on texts of {given[key][0]} tokens, and {{model}} takes {wanted[key][0]} "
                f"(its position embeddings would be stretched); {_use(given)}"
            )
    return ""


def _rows_differ(given: Shapes, wanted: Shapes, key: str) -> bool:
    ours, theirs = wanted.get(key, ()), given.get(key, ())
    return len(ours) == len(theirs) == 2 and ours[0] != theirs[0] and ours[1] == theirs[1]


def _other_shapes(given: Shapes, wanted: Shapes, model: Any) -> str:
    def words(shape: tuple[int, ...]) -> str:
        return "x".join(map(str, shape)) or "a number"

    for key in wanted:
        if key not in given:
            what = f"'{key}' is missing"
        elif given[key] != wanted[key]:
            what = f"'{key}' is {words(given[key])}, the model's {words(wanted[key])}"
        else:
            continue
        return f"its weights do not fit model {{model}}: {what}; {_use(given)}"
    for key in given.keys() - wanted.keys():
        return f"its weights do not fit model {{model}}, which has no '{key}'; {_use(given)}"
    return ""


def _use(given: Shapes) -> str:
    names = fitting(given)
    if names:
        return f"use --model {' or '.join(names)}"
    return "no model of open_clip's has their shapes: give a local-dir: with their configuration"


def fitting(
    given: Shapes, keep: Callable[[dict[str, Any]], bool] = lambda config: True
) -> list[str]:
    """Return open_clip's models that have these weights' shapes.

    Two that differ in their activation alone are both returned: no shape tells them apart.

    Args:
        given: Of a whole model's weights.
        keep: Which configurations to look at.
    """
    plain, timm = _towers(given), any(key.startswith("visual.trunk.") for key in given)
    projection = plain.get("text_projection") or plain.get("text_projection.weight", ())[::-1]
    found = []
    for name in openclip.open_clip.list_models():
        config = openclip.open_clip.factory._MODEL_CONFIGS[name]
        same = ("timm_model_name" in config["vision_cfg"]) == timm
        if not same or config["embed_dim"] not in projection[-1:] or not keep(config):
            continue
        try:
            model = outline(ModelSpec(name=name)).model
        except UserError:  # needs a package that is not here
            continue
        if _towers(shapes(model.state_dict())) == plain:
            found.append(name)
    return found


def _towers(all_shapes: Shapes) -> Shapes:
    return {k.removeprefix("text."): v for k, v in all_shapes.items() if not k.startswith("logit_")}
