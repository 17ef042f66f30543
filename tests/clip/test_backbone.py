"""The backbone as methods see it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from harness.clip.backbone import Backbone, weights_fingerprint
from harness.clip.forward import TraceRequest
from harness.clip.load import load_backbone
from harness.errors import UserError
from harness.specs import ModelSpec
from tests.clip import models

NAMES = ("dog", "alarm_clock", "violin")
TEMPLATE = "a photo of a {}."


@pytest.fixture(scope="module", params=[False, True], ids=["CLIP", "CustomTextCLIP"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("backbone") / "model"
    return models.write_local_dir(place, custom_text=request.param)


@pytest.fixture
def backbone(folder: Path) -> Backbone:
    return load_backbone(ModelSpec(name=f"local-dir:{folder}"))


def with_precision(backbone: Backbone, precision: str) -> Backbone:
    fork = backbone.fork()
    fork.spec = ModelSpec(name=backbone.spec.name, precision=precision)  # type: ignore[arg-type]
    return fork


def test_frozen_in_eval_mode_and_float32(backbone: Backbone) -> None:
    assert not any(module.training for module in backbone.model.modules())
    assert not any(parameter.requires_grad for parameter in backbone.model.parameters())
    assert {parameter.dtype for parameter in backbone.model.parameters()} == {torch.float32}


def test_numbers_come_from_the_model(backbone: Backbone) -> None:
    assert backbone.embed_dim == 16
    assert backbone.context_length == 12
    with torch.no_grad():
        backbone.model.logit_scale.fill_(4.6052)
    assert backbone.logit_scale == pytest.approx(100, rel=1e-4)


def test_embedding_dimension_without_a_tower_that_says_it(backbone: Backbone) -> None:
    del backbone.visual.output_dim
    assert backbone.embed_dim == 16


def test_image_features_are_open_clips_normalised(backbone: Backbone) -> None:
    features = backbone.image_features(models.images())
    assert (features.shape, features.dtype) == ((3, 16), torch.float32)
    assert_close(features, backbone.model.encode_image(models.images(), normalize=True))


def test_gradient_reaches_the_image_tower(backbone: Backbone) -> None:
    fork = backbone.fork()
    fork.visual.requires_grad_(True)
    fork.image_features(models.images())[:, 0].sum().backward()
    for name, parameter in fork.visual.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_precision_is_that_of_the_forward_pass_only(backbone: Backbone, precision: str) -> None:
    half, exact = with_precision(backbone, precision), backbone.image_features(models.images())
    features = half.image_features(models.images())
    assert features.dtype == torch.float32
    assert not torch.equal(features, exact)
    assert (features * exact).sum(dim=-1).min() > 0.98
    half.visual.requires_grad_(True)
    half.image_features(models.images())[:, 0].sum().backward()
    assert {p.dtype for p in half.visual.parameters()} == {torch.float32}
    traced = half.trace(models.images(), TraceRequest(2, True, "d-v", 2))
    assert traced.attention is not None
    assert traced.attention.dtype == torch.float32


def test_fp32_means_fp32_inside_another_autocast(backbone: Backbone) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = backbone.image_features(models.images())
    assert torch.equal(features, backbone.image_features(models.images()))


def test_text_features(backbone: Backbone) -> None:
    features = backbone.text_features(NAMES, TEMPLATE)
    tokens = backbone.tokenizer(
        ["a photo of a dog.", "a photo of a alarm clock.", "a photo of a violin."]
    )
    expected = backbone.model.encode_text(tokens, normalize=True)
    assert not features.requires_grad
    assert_close(features, expected)
    assert_close(features.norm(dim=-1), torch.ones(3))


def test_text_features_are_computed_once(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backbone.text_features(NAMES, TEMPLATE)
    monkeypatch.setattr(backbone.model, "encode_text", None)
    assert torch.equal(backbone.text_features(NAMES, TEMPLATE), first)
    assert torch.equal(backbone.fork().text_features(NAMES, TEMPLATE), first)
    with pytest.raises(TypeError):
        backbone.text_features(NAMES, "a sketch of a {}.")
    with pytest.raises(TypeError):
        backbone.text_features(NAMES[:2], TEMPLATE)


def test_text_features_are_exact_whatever_surrounds_them(backbone: Backbone) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = backbone.text_features(NAMES, TEMPLATE)
    backbone._texts.clear()
    assert torch.equal(backbone.text_features(NAMES, TEMPLATE), features)


def test_many_classes_go_through_in_parts(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = backbone.text_features(NAMES, TEMPLATE)
    backbone._texts.clear()
    monkeypatch.setattr("harness.clip.backbone.TEXT_BATCH", 2)
    assert_close(backbone.text_features(NAMES, TEMPLATE), whole)


def test_prompt_too_long_is_refused(backbone: Backbone) -> None:
    with pytest.raises(UserError, match="has 13 tokens, the model takes 12; shorten it"):
        backbone.text_features(("one two three four five six",), TEMPLATE)


def test_text_tower_names_its_model(backbone: Backbone) -> None:
    assert backbone.text_tower.name == backbone.spec.title()
    assert_close(
        backbone.text_tower.encode(["a photo of a dog."]),
        backbone.text_features(("dog",), TEMPLATE),
    )


def test_fork_has_its_own_image_tower(backbone: Backbone) -> None:
    before = backbone.image_features(models.images())
    fork = backbone.fork()
    assert torch.equal(fork.image_features(models.images()), before)
    fork.visual.requires_grad_(True)
    with torch.no_grad():
        for parameter in [*fork.visual.parameters(), fork.model.logit_scale]:
            parameter.add_(1)
    fork.visual.proj = None
    assert torch.equal(backbone.image_features(models.images()), before)
    assert not any(parameter.requires_grad for parameter in backbone.model.parameters())
    assert fork.logit_scale != backbone.logit_scale


def test_fork_shares_everything_else(backbone: Backbone) -> None:
    fork = backbone.fork()
    own = {id(p) for p in backbone.model.parameters()} & {id(p) for p in fork.model.parameters()}
    text = [n for n, _ in backbone.model.named_parameters() if not n.startswith(("visual", "log"))]
    assert len(own) == len(text) > 10
    assert fork.tokenizer is backbone.tokenizer
    assert fork.fingerprint == backbone.fingerprint
    assert fork.text_features(NAMES, TEMPLATE) is backbone.text_features(NAMES, TEMPLATE)


def test_forks_of_a_fork_are_independent(backbone: Backbone) -> None:
    first = backbone.fork()
    second = first.fork()
    with torch.no_grad():
        second.visual.class_embedding.add_(1)
    assert torch.equal(first.visual.class_embedding, backbone.visual.class_embedding)


def test_fingerprint_follows_weights_and_names() -> None:
    model, same, other = models.clip(), models.clip(), models.clip(seed=1)
    assert weights_fingerprint(model) == weights_fingerprint(same)
    assert len(weights_fingerprint(model)) == 16
    assert weights_fingerprint(model) != weights_fingerprint(other)
    with torch.no_grad():
        same.visual.class_embedding[0] += 1e-3
    assert weights_fingerprint(model) != weights_fingerprint(same)
    weight = torch.nn.Linear(2, 2, bias=False)
    renamed = torch.nn.Module()
    renamed.register_parameter("other", weight.weight)
    assert weights_fingerprint(weight) != weights_fingerprint(renamed)


def test_move_takes_everything_along(backbone: Backbone) -> None:
    backbone.text_features(NAMES, TEMPLATE)
    moved = backbone.to("meta")
    assert moved is backbone
    assert backbone.device == torch.device("meta")
    assert {p.device.type for p in backbone.model.parameters()} == {"meta"}
    assert backbone.text_features(NAMES, TEMPLATE).device.type == "meta"


def test_on_a_gpu_sums_are_asked_to_repeat(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("harness.clip.backbone.repeat_on_gpu", lambda: asked.append("gpu"))
    monkeypatch.setattr(backbone.model, "to", lambda device: asked.append(str(device)))
    backbone.to("cpu")
    backbone.to("cuda:1")
    assert asked == ["cpu", "gpu", "cuda:1"]  # before anything is there
