"""Loading: what is right loads, what is wrong says so in one line."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from harness.clip import names
from harness.clip.activation import check_activation, is_torchscript, openai_hashes
from harness.clip.backbone import Preprocess
from harness.clip.load import MODEL_ALIASES, load_backbone, model_info
from harness.clip.openclip import open_clip
from harness.errors import UserError
from harness.specs import ModelSpec
from tests.clip import models

PLAIN, QUICK = "ViT-T-8", "ViT-T-8-quickgelu"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file(models.clip().state_dict(), path)
    return path


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    """Teach open_clip two small architectures and three tags whose weights are one local file."""
    configs = open_clip.factory._MODEL_CONFIGS
    monkeypatch.setitem(configs, PLAIN, models.config())
    monkeypatch.setitem(configs, QUICK, models.config(quick_gelu=True))
    trained = {"openai": {"file": str(weights), "quick_gelu": True},
               "laion": {"file": str(weights)},
               "far": {"hf_hub": "no-such-owner/no-such-model/"}}  # fmt: skip
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, PLAIN, trained)
    quick = {"openai": trained["openai"], "wrong": trained["laion"]}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, QUICK, quick)


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


def test_names_written_as_openai_writes_them() -> None:
    assert names.resolve(ModelSpec(name="ViT-B/16").name) == "ViT-B-16"
    assert names.resolve("hf-hub:owner/model") == "hf-hub:owner/model"
    assert names.resolve("local-dir:a/b") == "local-dir:a/b"


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


@pytest.fixture
def torchscript(tmp_path: Path) -> Path:
    """A TorchScript archive with the entries that OpenAI's have beside the weights."""
    path, model = tmp_path / "clip.pt", models.clip()
    del model.attn_mask
    for name, value in (("input_resolution", 24), ("context_length", 12), ("vocab_size", 49408)):
        model.__dict__.pop(name, None)
        model.register_buffer(name, torch.tensor(value))
    inputs = {"encode_image": models.images()}
    traced = torch.jit.trace_module(model, inputs, check_trace=False)
    torch.jit.save(traced, path)
    return path


@pytest.mark.usefixtures("known")
@pytest.mark.filterwarnings("ignore")
def test_torchscript_archive_is_openais(torchscript: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_torchscript(torchscript)
    assert "would run its code" in refused(QUICK, str(torchscript))
    digest = hashlib.sha256(torchscript.read_bytes()).hexdigest()
    monkeypatch.setattr("harness.clip.activation.openai_hashes", lambda: {digest})
    assert refused(PLAIN, str(torchscript)).endswith(f"use model {QUICK}")
    assert_close(features(ModelSpec(name=QUICK, pretrained=str(torchscript))), reference(True))


@pytest.mark.usefixtures("known")
def test_file_is_openais_by_its_name_or_sum(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "vit-t-8.OpenAI.safetensors"
    shutil.copy(weights, named)
    assert refused(PLAIN, str(named)) == (
        f"{named}: these are OpenAI's weights, trained with QuickGELU, and {PLAIN} computes GELU; "
        f"use model {QUICK}"
    )
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    url = f"https://openaipublic.azureedge.net/clip/models/{digest}/ViT-T-8.pt"
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED[PLAIN], "openai", {"url": url})
    assert refused(PLAIN, str(weights)).endswith(f"use model {QUICK}")


def test_openais_sums_are_known() -> None:
    assert "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f" in openai_hashes()
    assert "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762" in openai_hashes()
    assert all(len(digest) == 64 for digest in openai_hashes())


@pytest.mark.parametrize("custom", [False, True])
def test_activation_is_checked_in_both_towers(custom: bool) -> None:
    model = models.clip(quick_gelu=True, custom=custom)
    check_activation(model, True, "M")
    with pytest.raises(RuntimeError, match="M: quick_gelu=False"):
        check_activation(model, False, "M")
    text = model.text if custom else model
    text.transformer.resblocks[1].mlp.gelu = torch.nn.GELU()
    with pytest.raises(RuntimeError, match="M: quick_gelu=True"):
        check_activation(model, True, "M")


def test_unknown_model_names_the_nearest() -> None:
    message = refused("ViT-B-17", "openai")
    assert message.startswith("unknown model 'ViT-B-17': did you mean ViT-B-16")
    assert "hf-hub:OWNER/NAME" in message


@pytest.mark.usefixtures("known")
def test_unknown_weights_name_the_known() -> None:
    assert refused(PLAIN, "opena").startswith(
        f"unknown weights of {PLAIN} 'opena': did you mean openai? known: far, laion, openai"
    )
    assert refused(PLAIN) == (
        f"model {PLAIN} needs weights; set pretrained to one of openai, laion, far, "
        "or a checkpoint file"
    )


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("path", ["nowhere.pt", "./no/where"])
def test_missing_checkpoint(path: str) -> None:
    assert refused(PLAIN, path) == f"{path}: no such checkpoint file; correct pretrained"


@pytest.mark.usefixtures("known")
def test_checkpoint_of_another_architecture(tmp_path: Path) -> None:
    wider, deeper = tmp_path / "wider.safetensors", tmp_path / "deeper.safetensors"
    save_file(models.clip({"width": 64}).state_dict(), wider)
    save_file(models.clip({"layers": 5}).state_dict(), deeper)
    for path in (wider, deeper):
        message = refused(PLAIN, str(path))
        assert message.startswith(f"weights of '{path.name}' do not fit model {PLAIN}: ")
        assert message.endswith("choose the model they were trained as")


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


def test_name_with_weights_takes_no_pretrained(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    for name in (f"local-dir:{folder}", "tiny-emoji", "hf-hub:a/b"):
        assert refused(name, "openai").endswith("brings its own weights; leave it empty")


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


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("folder", "no folder"),
        ("config", "no open_clip_config.json in"),
        ("weights", "no weights in"),
        ("json", "correct open_clip_config.json"),
        ("text", "model_cfg lacks embed_dim, vision_cfg or text_cfg"),
        ("nonsense", "unexpected keyword argument 'nonsense'; correct it"),
    ],
)
def test_spoilt_local_dir(tmp_path: Path, what: str, message: str) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    spoil(folder, what)
    assert message in refused(f"local-dir:{folder}")


def test_images_that_are_not_square_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    settings = models.config()
    settings["vision_cfg"] = {**models.VISION, "image_size": [24, 16]}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": settings}))
    state = models.clip({"image_size": (24, 16)}).state_dict()
    save_file(state, folder / "open_clip_model.safetensors")
    assert refused(f"local-dir:{folder}").endswith("takes 24x16 images; use a square one")


def test_fingerprint_is_of_the_weights(tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder = models.write_local_dir(tmp_path / name, seed)
        found.append(load_backbone(ModelSpec(name=f"local-dir:{folder}")).fingerprint)
    assert found[0] == found[1] != found[2]


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
    tagged = "harness.clip.load.list_pretrained_tags_by_model"
    monkeypatch.setattr(tagged, lambda name: list(ways))
    monkeypatch.setattr("harness.clip.load.get_pretrained_cfg", lambda name, tag: ways.get(tag, {}))
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
