"""What is known of a model before its weights are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.clip.load import model_info
from harness.errors import UserError
from harness.specs import ModelSpec
from tests.clip import models
from tests.clip.loading import spoil


def test_info_needs_no_weights(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m", custom_text=True)
    spoil(folder, "weights")
    info = model_info(ModelSpec(name=f"local-dir:{folder}"))
    model = models.clip(custom=True)
    assert info["parameters"] == sum(p.numel() for p in model.parameters())
    assert info["image parameters"] == sum(p.numel() for p in model.visual.parameters())
    assert (info["layers"], info["width"], info["image size"]) == (4, 32, 24)
    assert (info["image tower"], info["activation"]) == ("VisionTransformer", "GELU")


def test_info_of_known_models() -> None:
    """149,620,737 parameters: what OpenAI's ViT-B/16 has."""
    info = model_info(ModelSpec(name="ViT-B/16", pretrained="openai"))
    assert (info["parameters"], info["activation"]) == (149620737, "QuickGELU")
    assert model_info(ModelSpec(name="ViT-B-16"))["activation"] == "GELU"
    resnet = model_info(ModelSpec(name="RN50"))
    assert (resnet["image tower"], resnet["layers"]) == ("ModifiedResNet", "3-4-6-3")
    assert model_info(ModelSpec(name="ViT-B-16-SigLIP"))["image tower"] == (
        "timm vit_base_patch16_siglip_224"
    )


def test_info_of_an_unknown_model() -> None:
    with pytest.raises(UserError, match=r"unknown model 'RN51': did you mean RN50"):
        model_info(ModelSpec(name="RN51"))
