"""Loading: what is right loads, what is wrong says so in one line."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from harness.clip import names
from harness.clip.backbone import Preprocess
from harness.clip.load import MODEL_ALIASES, load_backbone
from harness.errors import UserError
from harness.specs import ModelSpec
from tests.clip import models
from tests.clip.loading import PLAIN, QUICK, features, reference, refused, spoil


def test_local_dir(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    backbone = load_backbone(ModelSpec(name=f"local-dir:{folder}"))
    assert_close(backbone.image_features(models.images()), reference(False))
    assert backbone.preprocess == Preprocess(24, models.MEAN, models.STD, "bilinear", "squash")
    assert backbone.device == torch.device("cpu")


def test_local_dir_with_quickgelu_in_its_config(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m", quick_gelu=True)
    assert_close(features(ModelSpec(name=f"local-dir:{folder}")), reference(True))


def test_alias_is_resolved_and_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = Path(__file__).parents[2] / "models" / "tiny-emoji"
    assert names.resolve("tiny-emoji") == f"local-dir:{embedded}"
    folder = models.write_local_dir(tmp_path / "m")
    monkeypatch.setitem(MODEL_ALIASES, "tiny-emoji", f"local-dir:{folder}")
    backbone = load_backbone(ModelSpec(name="tiny-emoji"))
    assert backbone.spec == ModelSpec(name="tiny-emoji")
    assert_close(backbone.image_features(models.images()), reference(False))


@pytest.mark.usefixtures("known")
def test_slash_in_a_name_loads(weights: Path) -> None:
    assert_close(features(ModelSpec(name="ViT-T/8", pretrained=str(weights))), reference(False))


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("name", [PLAIN, QUICK])
def test_openai_tag_gets_its_activation(name: str) -> None:
    assert not torch.allclose(reference(True), reference(False), atol=1e-3)
    assert_close(features(ModelSpec(name=name, pretrained="openai")), reference(True))


@pytest.mark.usefixtures("known")
def test_other_tag_gets_its_activation() -> None:
    assert_close(features(ModelSpec(name=PLAIN, pretrained="laion")), reference(False))
    assert refused(QUICK, "wrong").endswith(f"trained with another activation; use {PLAIN}")


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("form", ["pt", "bin", "safetensors", "training"])
def test_checkpoint_file(tmp_path: Path, form: str) -> None:
    state = models.clip().state_dict()
    path = tmp_path / f"epoch.{'pt' if form == 'training' else form}"
    if form == "safetensors":
        save_file(state, path)
    elif form == "training":  # as open_clip's own training writes it
        torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    else:
        torch.save(state, path)
    assert_close(features(ModelSpec(name=PLAIN, pretrained=str(path))), reference(False))
    assert_close(features(ModelSpec(name=QUICK, pretrained=str(path))), reference(True))


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("name", ["noise.pt", "noise.safetensors", "empty.pt", "list.pt"])
def test_file_that_is_no_checkpoint(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.startswith("noise"):
        path.write_bytes(b"not a checkpoint at all" * 10)
    else:
        torch.save({} if name == "empty.pt" else [1, 2], path)
    start = f"weights of '{name}' cannot be read as a model checkpoint"
    assert refused(PLAIN, str(path)).startswith(start)


@pytest.mark.usefixtures("known")
def test_offline_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    message = refused(PLAIN, "far")
    assert message.startswith(f"cannot get the weights of {PLAIN}/far; HF_HUB_OFFLINE is set: run")
    message = refused("hf-hub:no-such-owner/no-such-model")
    assert "no configuration" in message
    assert "HF_HUB_OFFLINE is set: run once where there is a network" in message


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("folder", "no folder"),
        ("config", "neither open_clip_config.json nor transformers' config.json in"),
        ("weights", "m; add open_clip_model.safetensors"),
        ("json", "m/open_clip_config.json: Expecting"),
        ("text", "model_cfg lacks embed_dim, vision_cfg or text_cfg"),
        ("nonsense", "unexpected keyword argument 'nonsense'; correct it"),
    ],
)
def test_spoilt_local_dir(tmp_path: Path, what: str, message: str) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    spoil(folder, what)
    assert message in refused(f"local-dir:{folder}")


def test_a_folder_may_say_nothing_of_images(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    file = folder / "open_clip_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"preprocess_cfg": None}))
    assert load_backbone(ModelSpec(name=f"local-dir:{folder}")).preprocess.interpolation


def test_images_that_are_not_square_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    settings = models.config()
    settings["vision_cfg"] = {**models.VISION, "image_size": [24, 16]}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": settings}))
    state = models.clip({"image_size": (24, 16)}).state_dict()
    save_file(state, folder / "open_clip_model.safetensors")
    assert refused(f"local-dir:{folder}").endswith("takes 24x16 images; use a square one")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "size",
            [64, 64],
            r"preprocess_cfg.size of its configuration is \[64, 64\], but",
        ),
        ("std", [0.2, 0.2], r"preprocess_cfg.std of its configuration is \[0.2, 0.2\]; three"),
        ("std", [0.2, 0.0, 0.2], "deviations above 0"),
        ("std", 0.2, "preprocess_cfg.std of its configuration is 0.2"),
        ("mean", [0, "a", 1], "preprocess_cfg.mean"),
        ("interpolation", "cubic", "'cubic'; use bilinear or bicubic"),
    ],
)
def test_a_configuration_that_prepares_images_in_no_way_is_refused(
    tmp_path: Path, field: str, value: Any, message: str
) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    file = folder / "open_clip_config.json"
    config = json.loads(file.read_text())
    config["preprocess_cfg"][field] = value
    file.write_text(json.dumps(config))
    with pytest.raises(UserError, match=message):
        load_backbone(ModelSpec(name=f"local-dir:{folder}"))


def test_fingerprint_is_of_the_weights(tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder = models.write_local_dir(tmp_path / name, seed)
        found.append(load_backbone(ModelSpec(name=f"local-dir:{folder}")).fingerprint)
    assert found[0] == found[1] != found[2]


class Payload:
    """What a pickle that runs code when it is loaded looks like."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("member", ["x/code/y", "archive/code/__torch__.py", "harmless"])
@pytest.mark.parametrize("model", [QUICK, PLAIN])
def test_nothing_in_a_checkpoint_is_ever_executed(tmp_path: Path, member: str, model: str) -> None:
    mark, file = tmp_path / "ran", tmp_path / "weights.pt"
    torch.save({"state_dict": Payload(mark)}, file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(member, "anything")
    assert "\n" not in refused(model, str(file))
    assert not mark.exists()


def test_a_projection_of_zeros_is_refused(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    file = folder / "open_clip_model.safetensors"
    state = load_file(file)
    save_file(state | {"visual.proj": torch.zeros_like(state["visual.proj"])}, file)
    assert "all values of 'visual.proj' are 0" in refused(f"local-dir:{folder}")


def test_weights_that_are_not_finite_are_named(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    file = folder / "open_clip_model.safetensors"
    state = load_file(file)
    state["visual.proj"][0, :3] = float("nan")
    save_file(state, file)
    said = refused(f"local-dir:{folder}")
    assert "3 of " in said
    assert "values of 'visual.proj' are not finite" in said


def test_weights_from_a_file_are_prepared_for_as_their_architecture_s_tags(
    weights: Path, known: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """open_clip would take OpenAI's mean and bicubic for any file."""
    ways: dict[str, dict[str, Any]] = {
        "one": {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "interpolation": "bilinear"},
        "two": {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "interpolation": "bilinear"},
    }
    tagged = "harness.clip.openclip.list_pretrained_tags_by_model"
    monkeypatch.setattr(tagged, lambda name: list(ways))
    monkeypatch.setattr(
        "harness.clip.openclip.get_pretrained_cfg", lambda name, tag: ways.get(tag, {})
    )
    made = load_backbone(ModelSpec(name=PLAIN, pretrained=str(weights))).preprocess
    assert (made.mean, made.std, made.interpolation) == ((0, 0, 0), (1, 1, 1), "bilinear")
    ways["two"] = {"mean": (0.5, 0.5, 0.5)}
    said = refused(PLAIN, str(weights))
    assert "prepared in 2 ways" in said
    assert "--preprocess one or two" in said
    spec = ModelSpec(name=PLAIN, pretrained=str(weights), preprocess="two")
    assert load_backbone(spec).preprocess.mean == (0.5, 0.5, 0.5)
    assert load_backbone(spec).preprocess.interpolation == "bicubic"
    wrong = spec.model_copy(update={"preprocess": "tow"})
    with pytest.raises(UserError, match=r"unknown tag of .*'tow': did you mean two"):
        load_backbone(wrong)


def test_the_tags_own_way_of_models_that_are_prepared_otherwise() -> None:
    from harness.clip.load import _way

    mobile = _way("MobileCLIP-S1", "datacompdr")
    assert (mobile["mean"], mobile["std"]) == ((0, 0, 0), (1, 1, 1))
    assert mobile["interpolation"] == "bilinear"
    openai = _way("ViT-B-16", "openai")
    assert openai["mean"] == pytest.approx((0.48145466, 0.4578275, 0.40821073))
    assert openai["interpolation"] == "bicubic"
