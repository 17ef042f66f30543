"""Loads small models, right and spoilt ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.clip.load import load_backbone
from harness.errors import UserError
from harness.specs import ModelSpec
from tests.clip import models

PLAIN, QUICK = "ViT-T-8", "ViT-T-8-quickgelu"


def features(spec: ModelSpec) -> torch.Tensor:
    return load_backbone(spec).image_features(models.images())


def reference(quick: bool) -> torch.Tensor:
    model = models.clip(quick_gelu=quick)
    encoded: torch.Tensor = model.encode_image(models.images(), normalize=True).detach()
    return encoded


def refused(name: str, pretrained: str = "") -> str:
    with pytest.raises(UserError) as caught:
        load_backbone(ModelSpec(name=name, pretrained=pretrained))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def spoil(folder: Path, what: str) -> None:
    config = folder / "open_clip_config.json"
    content: dict[str, Any] = json.loads(config.read_text())
    if what == "folder":
        shutil.rmtree(folder)
    elif what == "config":
        config.unlink()
    elif what == "weights":
        (folder / "open_clip_model.safetensors").unlink()
    elif what == "json":
        config.write_text("{")
    elif what == "text":
        del content["model_cfg"]["text_cfg"]
        config.write_text(json.dumps(content))
    else:
        content["model_cfg"]["vision_cfg"]["nonsense"] = 1
        config.write_text(json.dumps(content))
