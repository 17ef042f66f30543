"""Weights from a file: wrapped ones load, others are refused in one line with the remedy."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from harness.clip import transformers
from harness.clip.checkpoint import fitting, shapes
from harness.clip.info import outline
from harness.clip.load import load_backbone
from harness.clip.openclip import open_clip
from harness.errors import UserError
from harness.specs import ModelSpec
from tests.clip import models
from tests.clip.loading import PLAIN, QUICK, features, reference, refused

State = dict[str, Any]


def under(prefix: str) -> Callable[[State], State]:
    return lambda state: {prefix + key: value for key, value in state.items()}


WRAPPED: dict[str, Callable[[State], State]] = {
    "module": under("module."),
    "model": under("model."),
    "both": under("module.model."),
    "compiled": under("_orig_mod."),
    "compiled in a module": under("module._orig_mod."),
    "a tower compiled": lambda state: {
        key.replace("visual.", "visual._orig_mod."): value for key, value in state.items()
    },
    "averaged": lambda state: {"n_averaged": torch.tensor(3), **under("module.")(state)},
    "training": lambda state: {"epoch": 3, "optimizer": {"lr": 0.1}, "model": state},
    "lightning": lambda state: {"epoch": 3, "state_dict": under("model.")(state)},
    "model_state_dict": lambda state: {"model_state_dict": state},
    "nested": lambda state: {"model": {"state_dict": under("module.")(state)}},
    "half": lambda state: {key: value.half().float().half() for key, value in state.items()},
    "scalars of another rank": lambda state: {**state, "logit_scale": state["logit_scale"][None]},
}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("form", WRAPPED)
def test_wrapped_weights_load(tmp_path: Path, form: str) -> None:
    path = tmp_path / "weights.pt"
    torch.save(WRAPPED[form](models.clip().state_dict()), path)
    found = features(ModelSpec(name=PLAIN, pretrained=str(path)))
    assert_close(found, reference(False), atol=2e-3 if form == "half" else 1e-6, rtol=0)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("as_tensors", [True, False])
def test_openais_state_dict_is_known_by_its_numbers(tmp_path: Path, as_tensors: bool) -> None:
    numbers = {"input_resolution": 24, "context_length": 12, "vocab_size": 49408}
    extra = {k: torch.tensor(n) if as_tensors else n for k, n in numbers.items()}
    path = tmp_path / "weights.pt"
    torch.save(models.clip().state_dict() | extra, path)
    assert_close(features(ModelSpec(name=QUICK, pretrained=str(path))), reference(True))
    assert refused(PLAIN, str(path)).endswith(f"computes GELU; use model {QUICK}")


def state_of(**changes: Any) -> State:
    state: State = models.clip(**changes).state_dict()
    return state


def pick(keep: Callable[[str], bool], cut: str = "") -> State:
    return {key.removeprefix(cut): v for key, v in state_of().items() if keep(key)}


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "image tower": (
        lambda: pick(lambda key: key.startswith("visual.")),
        "an image tower alone: the text tower is missing; give the checkpoint of the whole model",
    ),
    "bare image tower": (
        lambda: pick(lambda key: key.startswith("visual."), "visual."),
        "an image tower alone: the text tower is missing",
    ),
    "text tower": (
        lambda: pick(lambda key: not key.startswith("visual.")),
        "a text tower alone: the image tower (visual.*) is missing",
    ),
    "another library": (
        lambda: {"vision_model.embeddings.weight": torch.ones(2)},
        "names than open_clip's, such as 'vision_model.embeddings.weight'; convert them",
    ),
    "larger images": (
        lambda: state_of(vision={"image_size": 32}),
        f"trained on 32-pixel images, and {PLAIN} takes 24 (its position embeddings would be "
        "stretched); use --model ViT-T-8-32",
    ),
    "smaller images": (
        lambda: state_of(vision={"image_size": 16}),
        "trained on 16-pixel images",
    ),
    "longer texts": (
        lambda: state_of(text={"context_length": 20}),
        f"trained on texts of 20 tokens, and {PLAIN} takes 12",
    ),
    "wider": (
        lambda: state_of(vision={"width": 64}),
        f"its weights do not fit model {PLAIN}: 'visual.class_embedding' is 64, the model's 32; "
        "no model of open_clip's has their shapes: give a local-dir: with their configuration",
    ),
    "deeper": (
        lambda: state_of(vision={"layers": 5}),
        f"its weights do not fit model {PLAIN}, which has no 'visual.transformer.resblocks.4.",
    ),
    "shallower": (lambda: state_of(vision={"layers": 3}), "resblocks.3.ln_1.weight' is missing"),
    "half of another": (
        lambda: {k: v.half() for k, v in state_of(vision={"width": 64}).items()},
        "is 64, the model's 32",
    ),
    "numpy scalar": (
        lambda: {"state_dict": state_of(), "best": np.float64(0.5)},
        "scalar, not weights alone, and loading that could run code; where it was made save the "
        "weights: torch.save(model.state_dict(), 'weights.pt'), or safetensors",
    ),
    "namespace": (
        lambda: {"state_dict": state_of(), "args": argparse.Namespace(lr=1)},
        "it holds argparse.Namespace, not weights alone",
    ),
    "whole module": (lambda: models.clip(), "not weights alone"),
    "WiSE-FT's head": (
        lambda: {
            **under("image_encoder.model.")(state_of()),
            "classification_head.weight": torch.ones(7, 16),
        },
        "it classifies by a layer of its own ('classification_head.weight', 7 outputs), and "
        "nothing in it says which class an output is; give the state dict of the CLIP within",
    ),
    "torchvision's": (
        lambda: {"conv1.weight": torch.ones(2), "fc.weight": torch.ones(5, 2)},
        "it classifies by a layer of its own ('fc.weight', 5 outputs)",
    ),
    "transformers' of another kind": (
        lambda: {"vision_model.embeddings.class_embedding": torch.ones(2), "odd": torch.ones(1)},
        "weight 'odd': no CLIP of transformers' has it; give a CLIPModel",
    ),
    "complex numbers": (
        lambda: models.clip().state_dict() | {"visual.proj": torch.ones(2, dtype=torch.complex64)},
        "tensor 'visual.proj' is complex; save it as plain real numbers",
    ),
    "a sparse tensor": (
        lambda: models.clip().state_dict() | {"visual.proj": torch.ones(2, 2).to_sparse()},
        "tensor 'visual.proj' is sparse; save it",
    ),
    "an empty tensor": (
        lambda: models.clip().state_dict() | {"visual.proj": torch.ones(2, 2, device="meta")},
        "tensor 'visual.proj' is empty; save it",
    ),
    "no weights": (lambda: {"epoch": 3}, "a dict without weights; save them: torch.save("),
}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_loaded_says_why_in_one_line(
    tmp_path: Path,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    larger = models.config()
    larger["vision_cfg"] = {**models.VISION, "image_size": 32}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-T-8-32", larger)
    content, message = WRONG[case]
    path = tmp_path / "weights.pt"
    torch.save(content(), path)
    said = refused(PLAIN, str(path))
    assert message in said
    assert path.name in said
    assert "\x1b" not in said
    assert "weights_only" not in said
    assert capsys.readouterr().err == ""


def test_a_folder_of_one_s_own_is_read_the_same_way(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    save_file(state_of(vision={"image_size": 32}), folder / "open_clip_model.safetensors")
    assert "trained on 32-pixel images" in refused(f"local-dir:{folder}")


def test_models_that_fit_are_found_by_shape() -> None:
    """288-pixel images have no model; OpenAI's large one has two that differ in activation."""
    given = shapes(outline(ModelSpec(name="ViT-L-14-336")).model.state_dict())
    assert fitting(given) == ["ViT-L-14-336", "ViT-L-14-336-quickgelu"]
    assert fitting(given, lambda config: "quick_gelu" in config) == ["ViT-L-14-336-quickgelu"]
    siglip = shapes(outline(ModelSpec(name="ViT-B-16-SigLIP2-384")).model.state_dict())
    assert "ViT-B-16-SigLIP2-384" in fitting(siglip)
    assert fitting({**given, "visual.positional_embedding": (442, 1024)}) == []


@pytest.mark.usefixtures("known")
def test_an_activation_that_nothing_tells_is_said(
    weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, other, computed in ((PLAIN, QUICK, "GELU"), (QUICK, PLAIN, "QuickGELU")):
        features(ModelSpec(name=name, pretrained=str(weights)))
        said = capsys.readouterr().err
        assert said.startswith(f"{weights}: computed with {computed}, as {name} says; ")
        assert said.endswith(f"(the other is {other})\n")
    monkeypatch.delitem(open_clip.factory._MODEL_CONFIGS, QUICK)
    features(ModelSpec(name=PLAIN, pretrained=str(weights)))
    assert capsys.readouterr().err == ""


def bare(state: State) -> State:
    return {k.removeprefix("visual."): v for k, v in state.items() if k.startswith("visual.")}


TOWERS: dict[str, Callable[[State], State]] = {
    "CLIPood's": lambda state: {key: value.half() for key, value in bare(state).items()},
    "as visual.*": lambda state: {k: v for k, v in state.items() if k.startswith("visual.")},
    "in a module": lambda state: {"state_dict": under("module.")(bare(state))},
    "WiSE-FT's encoder": lambda state: under("model.")(
        {k: v for k, v in state.items() if not k.startswith("transformer.")}
    ),
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.pt"
    torch.save(models.clip(seed=1).state_dict(), path)
    return path


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("form", TOWERS)
def test_an_image_tower_is_completed_by_the_weights_it_came_from(
    tmp_path: Path, base: Path, form: str
) -> None:
    path = tmp_path / "tower.pt"
    torch.save(TOWERS[form](models.clip().state_dict()), path)
    found = load_backbone(ModelSpec(name=PLAIN, pretrained=str(path), base=str(base)))
    half = form == "CLIPood's"
    seen = found.image_features(models.images())
    assert_close(seen, reference(False), atol=2e-3 if half else 1e-6, rtol=0)
    key = "transformer.resblocks.0.mlp.c_fc.weight"
    assert torch.equal(found.model.state_dict()[key], models.clip(seed=1).state_dict()[key])


@pytest.mark.usefixtures("known")
def test_an_image_tower_is_computed_as_the_tag_that_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = open_clip.pretrained._PRETRAINED[PLAIN]
    monkeypatch.setitem(tags, "laion", {**tags["laion"], "mean": models.MEAN})
    path = tmp_path / "tower.pt"
    torch.save(bare(models.clip().state_dict()), path)
    for tag, quick in (("openai", True), ("laion", False)):
        found = load_backbone(ModelSpec(name=PLAIN, pretrained=str(path), base=tag))
        assert_close(found.image_features(models.images()), reference(quick))
        assert (found.preprocess.mean == models.MEAN) == (tag == "laion")


@pytest.mark.usefixtures("known")
def test_what_completes_nothing_is_refused(tmp_path: Path, base: Path) -> None:
    path = tmp_path / "whole.pt"
    torch.save(models.clip().state_dict(), path)
    for name, tag, why in (
        (PLAIN, str(base), r"whole.pt: a whole model, which nothing completes; leave base empty"),
        (PLAIN, "opnai", r"unknown weights of ViT-T-8 'opnai': did you mean openai"),
        ("hf-hub:a/b", "openai", r"base 'openai' does not go with hf-hub:a/b"),
    ):
        pretrained = str(path) if name == PLAIN else ""
        with pytest.raises(UserError, match=why):
            load_backbone(ModelSpec(name=name, pretrained=pretrained, base=tag))


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("state", "message"),
    [
        (lambda: {"odd": torch.ones(2)}, "weights of other names than open_clip's, such as 'odd'"),
        (
            lambda: bare(state_of(vision={"layers": 5})),
            "do not fit model ViT-T-8, which has no 'visual.transformer.resblocks.4.",
        ),
    ],
)
def test_what_is_no_tower_of_the_model_s_is_not_completed(
    tmp_path: Path, base: Path, state: Callable[[], State], message: str
) -> None:
    torch.save(state(), tmp_path / "odd.pt")
    spec = ModelSpec(name=PLAIN, pretrained=str(tmp_path / "odd.pt"), base=str(base))
    with pytest.raises(UserError, match=message):
        load_backbone(spec)


def test_a_file_goes_into_the_model_of_a_folder(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m", seed=1)
    for name, kept in (("whole", models.clip().state_dict()), ("bare", bare(state_of()))):
        torch.save(kept, tmp_path / f"{name}.pt")
        spec = ModelSpec(name=f"local-dir:{folder}", pretrained=str(tmp_path / f"{name}.pt"))
        found = load_backbone(spec)
        assert_close(found.image_features(models.images()), reference(False))
        assert found.preprocess.interpolation == "bilinear"  # the folder's


@pytest.mark.usefixtures("known")
def test_a_state_dict_of_transformers_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file(transformers.to_transformers(models.clip().state_dict()), path)
    assert_close(features(ModelSpec(name=PLAIN, pretrained=str(path))), reference(False))
