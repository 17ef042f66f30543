"""Weights of a finished run in a file: what was trained, as it was tested."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from harness.errors import UserError
from harness.specs import RunSpec
from harness.store.redact import safe_spec
from harness.version import __version__


def pack(parameters: Mapping[str, nn.Parameter], words: Mapping[str, str]) -> bytes:
    """Return a safetensors file of the parameters' present values, float32, by their names.

    Args:
        parameters: What was trained.
        words: The file's metadata: what it is.
    """
    values = {name: p.detach().float().cpu().contiguous() for name, p in parameters.items()}
    return save(values, metadata=metadata(words))


def metadata(words: Mapping[str, str]) -> dict[str, str]:
    """Return a safetensors file's metadata, under one key.

    Several keys are written in an order of the moment, and equal content is to be equal bytes.
    """
    return {"about": json.dumps(dict(words), sort_keys=True)}


def words_of(spec: RunSpec, class_names: Sequence[str]) -> dict[str, str]:
    """Return what the weights of a run are, for whoever finds the file alone: texts and JSON."""
    return {
        "run": spec.id,
        "method": spec.method,
        "spec": safe_spec(spec).model_dump_json(),
        "class_names": json.dumps(list(class_names)),
        "harness": __version__,
    }


@torch.no_grad()
def load(path: Path, parameters: Mapping[str, nn.Parameter]) -> None:
    """Copy a file's values into the parameters of the same names.

    Raises:
        UserError: If there is no such file, it cannot be read, or it is of other parameters.
    """
    if not path.is_file():
        raise UserError(
            f"run {path.parent.name} kept no weights; run it with --keep-weights (in a sweep file "
            "keep_weights: true) into a new --store"
        )
    try:
        values = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: cannot be read ({error}); run again into a new --store") from None
    shapes = {name: tuple(p.shape) for name, p in parameters.items()}
    if shapes != {name: tuple(value.shape) for name, value in values.items()}:
        raise UserError(f"{path}: not the parameters of this method; was the plugin changed?")
    for name, parameter in parameters.items():
        parameter.copy_(values[name])
