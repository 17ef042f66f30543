"""A CLIP folder of transformers' is a model like any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from harness.clip import transformers
from harness.clip.info import outline
from harness.clip.load import load_backbone
from harness.specs import ModelSpec
from tests.clip import models
from tests.clip.loading import reference, refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as ``CLIPModel.save_pretrained`` and its processor's write it."""
    made = tmp_path / "hf"
    made.mkdir()
    save_file(transformers.to_transformers(models.clip().state_dict()), made / "model.safetensors")
    config = transformers.config_to(models.config(), (4, 2))
    (made / "config.json").write_text(json.dumps(config))
    prepared = {"image_mean": list(models.MEAN), "image_std": list(models.STD), "resample": 2}
    (made / "preprocessor_config.json").write_text(json.dumps(prepared))
    return made


def test_it_is_read_as_it_is(folder: Path) -> None:
    spec = ModelSpec(name=f"local-dir:{folder}")
    found = load_backbone(spec)
    assert_close(found.image_features(models.images()), reference(False))
    assert (found.preprocess.mean, found.preprocess.interpolation) == (models.MEAN, "bilinear")
    text = found.text_features(("a cat", "dog"), "{}")
    tokens = found.tokenizer(["a cat", "dog"], context_length=12)
    assert_close(text, models.clip().encode_text(tokens, normalize=True).detach())
    assert outline(spec).embed_dim == 16
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "model.safetensors", "preprocessor_config.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "siglip"}, "model_type is 'siglip'; only clip can be converted"),
        ({"model_type": "clip"}, "config.json: not that of a CLIP ('vision_config'); fetch it"),
        ([1], "config.json: holds no settings; fetch it again"),
    ],
)
def test_another_configuration_is_one_line(folder: Path, config: Any, message: str) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    assert message in refused(f"local-dir:{folder}")


def test_what_is_missing_or_wrong_is_named_by_its_file(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"]["hidden_size"] = 10**9
    (folder / "config.json").write_text(json.dumps(config))
    assert f"{folder}/config.json: width is" in refused(f"local-dir:{folder}")
    (folder / "model.safetensors").unlink()
    assert refused(f"local-dir:{folder}").endswith(f"in {folder}; add model.safetensors")


def test_weights_without_a_place_are_one_line(folder: Path) -> None:
    state = transformers.to_transformers(models.clip().state_dict())
    save_file(state | {"odd": torch.zeros(1)}, folder / "model.safetensors")
    assert "weight 'odd': no CLIP of transformers' has it" in refused(f"local-dir:{folder}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resample", 0),
        ("do_normalize", False),
        ("do_rescale", False),
        ("rescale_factor", 1),
        ("do_center_crop", False),
        ("size", {"shortest_edge": 96}),
        ("crop_size", {"height": 12, "width": 12}),
    ],
)
def test_images_prepared_in_a_way_of_their_own_are_refused(
    folder: Path, field: str, value: Any
) -> None:
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: value}))
    assert f"{file}: {field} is {value!r}; of a CLIP for images of" in refused(
        f"local-dir:{folder}"
    )


@pytest.mark.parametrize(("field", "value"), [("layer_norm_eps", 0.5), ("eos_token_id", 5)])
def test_what_open_clip_s_towers_cannot_be_told_is_refused(
    folder: Path, field: str, value: Any
) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"][field] = value
    (folder / "config.json").write_text(json.dumps(config))
    assert f"text_config.{field} is {value}; " in refused(f"local-dir:{folder}")
