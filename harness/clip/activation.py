"""QuickGELU or GELU: weights are right only with the activation they were trained with."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path
from typing import Any

from harness.clip import openclip
from harness.clip.checkpoint import Checkpoint, fitting, shapes
from harness.errors import UserError


def is_torchscript(path: Path) -> bool:
    """Whether a checkpoint is a TorchScript archive, the form OpenAI published its weights in."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in entry for entry in archive.namelist())


def openai_hashes() -> set[str]:
    """Return the SHA-256 sums of OpenAI's files, which are part of their addresses."""
    urls = (
        str(openclip.get_pretrained_cfg(*pair).get("url", ""))
        for pair in openclip.open_clip.list_pretrained()
    )
    return {url.split("/")[-2] for url in urls if "openaipublic" in url}


def is_openais(path: Path) -> bool:
    """Tell whether a file is one that OpenAI published, by its SHA-256."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() in openai_hashes()


def check_activation(model: Any, quick: bool, title: str) -> None:
    """Check that every block has the activation the weights were trained with.

    Raises:
        RuntimeError: If one has not, which no user can cause.
    """
    text = getattr(model, "text", model)
    towers = [getattr(tower, "transformer", None) for tower in (model.visual, text)]
    blocks = [b for tower in towers for b in getattr(tower, "resblocks", [])]
    if any(isinstance(block.mlp.gelu, openclip.QuickGELU) != quick for block in blocks):
        raise RuntimeError(f"{title}: quick_gelu={quick}, but a block has another activation")


def refuse_openai(name: str, checkpoint: Checkpoint) -> None:
    """Refuse a file of OpenAI's for a configuration without QuickGELU.

    Such a file is known by its sum, its name or the numbers beside its weights. Computing with the
    wrong activation costs points of accuracy and raises nothing.

    Args:
        name: The model, whose activation is GELU.
        checkpoint: The file's weights.

    Raises:
        UserError: Naming the model to use.
    """
    file = checkpoint.file
    if checkpoint.openais or "openai" in file.name.lower() or is_openais(file):
        fit = fitting(shapes(checkpoint.state), lambda config: bool(config.get("quick_gelu")))
        use = " or ".join(fit) or "a local-dir: whose configuration has quick_gelu"
        raise UserError(
            f"{file}: these are OpenAI's weights, trained with QuickGELU, and {name} computes "
            f"GELU; use model {use}"
        )


def say_unknown(name: str, quick: bool, file: Path) -> None:
    """Say which activation a file's weights are computed with where neither names nor shapes tell.

    Args:
        name: The model.
        quick: Its activation is QuickGELU.
        file: Not one that OpenAI published.
    """
    other = name.removesuffix("-quickgelu") if quick else f"{name}-quickgelu"
    if other in openclip.open_clip.list_models():
        computed = "QuickGELU" if quick else "GELU"
        print(
            f"{file}: computed with {computed}, as {name} says; the file does not tell whether it "
            f"was trained so (the other is {other})",
            file=sys.stderr,
        )
