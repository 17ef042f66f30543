"""Names of models: aliases, and what is wrong with a name that leads nowhere."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness import resources
from harness.clip import openclip, transformers
from harness.errors import UserError, plain_line, unknown_name
from harness.specs import ModelSpec

# Resolved where it is used and never stored: a path in a spec would tie its id to one machine.
MODEL_ALIASES = {
    path.name: f"local-dir:{path}"
    for path in sorted(resources.shipped("models").iterdir())
    if path.is_dir()
}
CHECKPOINT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
_SIZES = {
    "embed_dim", "layers", "width", "heads", "head_width", "patch_size", "image_size",
    "context_length", "vocab_size",
}  # fmt: skip
CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
FOLDER_SUFFIXES = (".safetensors", ".bin", ".pth")  # those open_clip looks for in a local-dir


def resolve(name: str) -> str:
    """Return what open_clip calls a ModelSpec's name: aliases are paths."""
    return MODEL_ALIASES.get(name, name)


def has_schema(name: str) -> bool:
    """Whether a resolved name brings its own weights."""
    return name.startswith(("local-dir:", "hf-hub:"))


def check(spec: ModelSpec) -> str:
    """Return the resolved name of a model whose name, tag and files exist.

    Raises:
        UserError: For an unknown name or tag, a missing file or package, a path without weights,
            or a `pretrained` that is no file, `base` or `preprocess` beside a name that brings its
            weights.
    """
    name = resolve(spec.name)
    if has_schema(name):
        local = name.startswith("local-dir:")
        for field in ("base", "pretrained", "preprocess"):
            given = getattr(spec, field)
            if given and not (local and field == "pretrained" and Path(given).is_file()):
                file = ", or give a checkpoint file of its shapes" if local else ""
                raise UserError(
                    f"{field} '{given}' does not go with {spec.name}, which brings its own "
                    f"weights; leave it empty{file if field == 'pretrained' else ''}"
                )
        if local:
            _check_folder(Path(name.removeprefix("local-dir:")), spec.name)
            check_packages(get_model_config_or_error(name, spec.name), spec.name)
        return name
    known_model(name)
    _check_pretrained(name, spec.pretrained)
    if spec.base:
        _check_pretrained(name, spec.base)
    check_packages(get_model_config_or_error(name, spec.name), spec.name)
    return name


def known_model(name: str) -> None:
    """Check that open_clip has a configuration of that name.

    Raises:
        UserError: With the nearest names.
    """
    if name not in openclip.open_clip.list_models():
        fix = "or hf-hub:OWNER/NAME, local-dir:PATH"
        raise unknown_name("model", name, [*openclip.open_clip.list_models(), *MODEL_ALIASES], fix)


@contextmanager
def for_open_clip(name: str) -> Iterator[str]:
    """Yield what to ask open_clip for: of a folder of transformers' a folder in its own words.

    Args:
        name: As `check` returned it.
    """
    folder = Path(name.removeprefix("local-dir:"))
    if not name.startswith("local-dir:") or not transformers.is_folder(folder):
        yield name
        return
    with TemporaryDirectory(prefix="clip-bench-") as made:
        config = json.dumps(transformers.folder_config(folder))
        Path(made, CONFIG).write_text(config, encoding="utf-8")
        yield f"local-dir:{made}"


def _check_pretrained(name: str, pretrained: str) -> None:
    tags = openclip.list_pretrained_tags_by_model(name)
    if not pretrained:
        known = f"one of {', '.join(tags)}, or " if tags else ""
        raise UserError(f"model {name} needs weights; set pretrained to {known}a checkpoint file")
    if openclip.get_pretrained_cfg(name, pretrained):
        return
    if pretrained.endswith(CHECKPOINT_SUFFIXES) or os.sep in pretrained:
        if not Path(pretrained).is_file():
            raise UserError(f"{pretrained}: no such checkpoint file; correct pretrained")
    elif not Path(pretrained).is_file():
        raise unknown_name(f"weights of {name}", pretrained, tags, "or a checkpoint file")


def _check_folder(folder: Path, name: str) -> None:
    if not folder.is_dir():
        raise UserError(f"model '{name}': no folder {folder}; correct the path")
    if not any((folder / file).is_file() for file in (CONFIG, transformers.CONFIG)):
        raise UserError(
            f"model '{name}': neither {CONFIG} nor transformers' {transformers.CONFIG} in {folder};"
            " export it there"
        )
    if not any(path.suffix in FOLDER_SUFFIXES for path in folder.iterdir()):
        wanted = transformers.WEIGHTS if transformers.is_folder(folder) else WEIGHTS
        raise UserError(f"model '{name}': no weights in {folder}; add {wanted}")
    config = get_model_config_or_error(f"local-dir:{folder}", name)
    if not {"embed_dim", "vision_cfg", "text_cfg"} <= set(config):
        path = folder / CONFIG
        raise UserError(f"{path}: model_cfg lacks embed_dim, vision_cfg or text_cfg; add it")


def get_model_config_or_error(resolved: str, name: str) -> dict[str, Any]:
    """Return open_clip's configuration of a model.

    Raises:
        UserError: If it cannot be read or fetched.
    """
    try:
        if resolved.startswith("local-dir:"):  # without open_clip, which takes seconds to import
            config = _folder_config(Path(resolved.removeprefix("local-dir:")))
        else:
            config = openclip.get_model_config(resolved)
    except (OSError, ValueError, RuntimeError) as error:
        local = resolved.startswith("local-dir:")
        fix = "correct it" if local else offline()
        why = plain_line(error)
        raise UserError(f"model '{name}': no configuration ({why}); {fix}") from None
    return dict(config)


def _folder_config(folder: Path) -> dict[str, Any]:
    theirs = transformers.is_folder(folder)
    file = folder / (transformers.CONFIG if theirs else CONFIG)
    try:
        config = (
            transformers.folder_config(folder) if theirs else json.loads(file.read_text("utf-8"))
        )
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    config = config.get("model_cfg", config) if isinstance(config, dict) else config
    if not isinstance(config, dict):
        raise ValueError(f"{file} holds no settings")
    for part in (config, config.get("vision_cfg"), config.get("text_cfg")):
        for key, value in part.items() if isinstance(part, dict) else ():
            most = 1000 if key == "layers" else 10**6
            if key in _SIZES and isinstance(value, int | float) and not 1 <= value <= most:
                raise ValueError(f"{file}: {key} is {value}, not 1 to {most}")
    return config


def check_packages(config: dict[str, Any], name: str) -> None:
    """Refuse a model whose tokenizer or text tower needs a package that is not installed.

    Raises:
        UserError: Naming the package and how to get it.
    """
    text = config["text_cfg"]
    needed = text.get("hf_model_name") or text.get("hf_tokenizer_name")
    if needed and importlib.util.find_spec("transformers") is None:
        part = "text tower" if text.get("hf_model_name") else "tokenizer"
        raise UserError(
            f"model '{name}': its {part} ({needed}) needs the package transformers; "
            "pip install transformers"
        )


def offline() -> str:
    """Return what to do when weights or configurations cannot be fetched."""
    why = "HF_HUB_OFFLINE is set" if os.environ.get("HF_HUB_OFFLINE") else "is the network up?"
    return (
        f"{why}: run once where there is a network with the same HF_HOME, or give a local-dir: or "
        "a checkpoint file"
    )
