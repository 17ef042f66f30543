"""An exported run: what open_clip loads, the classes' vectors, and a card that says what it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from harness.clip import checkpoint, openclip, transformers
from harness.clip.backbone import Backbone
from harness.clip.names import get_model_config_or_error, resolve
from harness.clip.vectors import FILE as CLASSES
from harness.errors import UserError
from harness.export.card import card
from harness.export.classes import are_texts, class_vectors
from harness.prompts import Template
from harness.store.files import write_atomically
from harness.store.records import RunRecord
from harness.store.weights import metadata, words_of
from harness.training.build import BuiltMethod

WEIGHTS, CONFIG, CARD = "open_clip_model.safetensors", "open_clip_config.json", "README.md"


@dataclass(frozen=True)
class Exported:
    """The files of a folder, by name."""

    files: dict[str, bytes]

    def write(self, folder: Path) -> None:
        """Write them, the configuration last: a folder without one is not loaded."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in sorted(self.files.items(), key=lambda item: item[0] == CONFIG):
            write_atomically(folder / name, content)


def open_clip_folder(
    record: RunRecord, built: BuiltMethod, tested: Backbone, template: Template
) -> Exported:
    """Return a finished run as ``open_clip.create_model('local-dir:...')`` loads it.

    Args:
        record: Of the run.
        built: The method with the weights that were tested.
        tested: Tells how its test images were prepared.
        template: The data set's.

    Raises:
        UserError: If the method is more than a tower and a vector for each class.
    """
    spec = record.spec
    vectors = class_vectors(built, spec, record.class_names)
    words = words_of(spec, record.class_names)
    words["logit_scale"] = repr(built.backbone.logit_scale)
    texts = are_texts(vectors, built, template, record.class_names)
    words["vectors"] = "texts" if texts else "learned"
    state = {key: _plain(value) for key, value in built.backbone.model.state_dict().items()}
    return Exported(
        {
            WEIGHTS: save(state, metadata=metadata(words)),
            CLASSES: save({"classes": vectors.contiguous()}, metadata=metadata(words)),
            CARD: card(record).encode(),
            CONFIG: json.dumps(config_of(built.backbone, tested), indent=1).encode(),
        }
    )


def _plain(value: Tensor) -> Tensor:
    return value.detach().float().cpu().contiguous().clone()


def config_of(backbone: Backbone, tested: Backbone) -> dict[str, Any]:
    """Return ``open_clip_config.json``: architecture, activation, and how images are prepared."""
    spec, images = backbone.spec, tested.preprocess
    model = get_model_config_or_error(resolve(spec.name), spec.name)
    quick = any(isinstance(m, openclip.QuickGELU) for m in backbone.model.modules())
    return {
        "model_cfg": model | {"quick_gelu": quick},
        "preprocess_cfg": {
            "size": [images.image_size, images.image_size],
            "mode": "RGB",
            "mean": list(images.mean),
            "std": list(images.std),
            "interpolation": images.interpolation,
            "resize_mode": images.resize_mode,
            "fill_color": 0,
        },
    }


def transformers_folder(folder: Exported, built: Backbone) -> Exported:
    """Return an exported run in the layout that ``CLIPModel.from_pretrained`` loads.

    Raises:
        UserError: If transformers has no such towers.
    """
    model = built.model
    if not isinstance(model.visual, openclip.VisionTransformer) or not hasattr(
        model, "transformer"
    ):
        raise UserError(
            f"{built.spec.title()}: transformers' CLIPModel has two transformers, this model has "
            "not; leave --format open_clip"
        )
    config = json.loads(folder.files[CONFIG])
    heads = (
        model.visual.transformer.resblocks[0].attn.num_heads,
        model.transformer.resblocks[0].attn.num_heads,
    )
    state = transformers.to_transformers(load(folder.files[WEIGHTS]))
    images = config["preprocess_cfg"]
    side = images["size"][0]
    squash = images["resize_mode"] == "squash"
    prepared = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"height": side, "width": side} if squash else {"shortest_edge": side},
        "do_center_crop": True,
        "crop_size": {"height": side, "width": side},
        "resample": {"bilinear": 2, "bicubic": 3}[images["interpolation"]],
        "do_rescale": True,
        "do_normalize": True,
        "image_mean": images["mean"],
        "image_std": images["std"],
        "do_convert_rgb": True,
    }
    made = transformers.config_to(config["model_cfg"], heads)
    return Exported(
        {
            transformers.WEIGHTS: save(state, metadata={"format": "pt"}),
            transformers.IMAGES: json.dumps(prepared, indent=1).encode(),
            CLASSES: folder.files[CLASSES],
            CARD: folder.files[CARD].replace(b": open_clip", b": transformers", 1),
            transformers.CONFIG: json.dumps(made, indent=1).encode(),
        }
    )


def from_transformers_folder(folder: Path) -> Exported:
    """Return a CLIP folder of transformers' as open_clip loads it.

    Raises:
        UserError: Naming the file and what is wrong with it.
    """
    config = transformers.folder_config(folder)
    state = checkpoint.read(folder / transformers.WEIGHTS).state
    plain = {key: _plain(value) for key, value in state.items()}
    return Exported(
        {
            WEIGHTS: save(plain, metadata={"format": "pt"}),
            CONFIG: json.dumps(config, indent=1).encode(),
        }
    )
