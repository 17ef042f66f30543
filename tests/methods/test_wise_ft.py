from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness import registry
from harness.clip.backbone import Backbone
from harness.errors import UserError
from harness.execution.run import Shared, execute
from tests.engine import make_context, make_spec
from tests.methods import loops, toy


@pytest.mark.parametrize("train_head", [False, True])
def test_loss(backbone: Backbone, train_head: bool) -> None:
    run = toy.build("wise_ft", backbone, train_head=train_head)
    weight = backbone.logit_scale * backbone.text_features(toy.NAMES, toy.TEMPLATE)
    bias = torch.zeros(3)
    if train_head:
        head = [run.parameters["class_head.weight"], run.parameters["class_head.bias"]]
        torch.testing.assert_close(head[0].detach(), weight)
        loops.noisy(head, seed=4)
        weight, bias = head[0].detach(), head[1].detach()
    batch = run.batch(0)
    assert batch.images is not None
    features = loops.rows(backbone.image_features(batch.images))
    logits = [
        [loops.dot(f, w) + b for w, b in zip(loops.rows(weight), bias.tolist(), strict=True)]
        for f in features
    ]
    want = loops.cross_entropy(logits, [loops.onehot(y, 3) for y in batch.labels.tolist()])
    got = run.method.losses(batch)
    assert list(got) == ["classification"]
    assert float(got["classification"].detach()) == pytest.approx(want, rel=1e-4)


@pytest.mark.parametrize("train_head", [False, True])
def test_the_ensemble_is_of_all_that_trained(backbone: Backbone, train_head: bool) -> None:
    run = toy.build("wise_ft", backbone, steps=4, lr=1e-2, alpha=0.3, train_head=train_head)
    start = {name: p.detach().clone() for name, p in run.parameters.items()}
    _, average = toy.train(run)
    assert average is not None
    end = {name: p.detach().clone() for name, p in run.parameters.items()}
    with average.swapped():
        for name, p in run.parameters.items():
            want = 0.7 * start[name].double() + 0.3 * end[name].double()
            torch.testing.assert_close(p.detach().double(), want, rtol=1e-6, atol=1e-6)
    assert any(not torch.equal(start[name], end[name]) for name in end)


@pytest.mark.parametrize("train_head", [False, True])
def test_what_trains(backbone: Backbone, train_head: bool) -> None:
    run = toy.build("wise_ft", backbone, train_head=train_head)
    extra = set(run.parameters) - {name for name, _ in backbone.visual.named_parameters()}
    assert extra == ({"class_head.weight", "class_head.bias"} if train_head else set())


def test_the_head_begins_as_zero_shot_and_knows_only_what_it_learned(backbone: Backbone) -> None:
    run, zero = toy.build("wise_ft", backbone, train_head=True), toy.build("zero_shot", backbone)
    images, _ = toy.pictures(5, seed=0)
    some = (toy.NAMES[2], toy.NAMES[0])
    with torch.no_grad():
        features = run.method.image_features(images)
        for classes in (toy.NAMES, some):
            want = zero.method.logits(features, classes)
            torch.testing.assert_close(run.method.logits(features, classes), want)
        with pytest.raises(UserError, match=r"'wise_ft'.*class 'yellow_cat'; set train_head=false"):
            run.method.logits(features, (*toy.NAMES, *toy.UNSEEN))


def test_what_is_tested_is_the_ensemble_unless_asked_otherwise(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    shared = Shared(make_context(tmp_path, image_folder))
    zero = execute(make_spec("zero_shot", image_folder, random_clip), shared).metrics
    none = execute(make_spec("wise_ft", image_folder, random_clip, alpha=0), shared).metrics
    assert none.selection == "averaged"
    assert (none.tests, none.source_val) == (zero.tests, zero.source_val)
    whole = execute(make_spec("wise_ft", image_folder, random_clip, alpha=1), shared).metrics
    spec = make_spec("wise_ft", image_folder, random_clip, selection="last", alpha=0)
    last = execute(spec, shared).metrics
    assert (last.tests, last.source_val) == (whole.tests, whole.source_val)
    assert last.source_val != zero.source_val


@pytest.mark.parametrize(
    ("given", "warmup"),
    [({}, 500), ({"steps": 60}, 6), ({"steps": 25000}, 500), ({"steps": 60, "warmup_steps": 0}, 0)],
)
def test_the_rise_is_no_more_than_a_tenth_unless_given(given: dict[str, int], warmup: int) -> None:
    config = registry.method_class("wise_ft").Config.model_validate(given)
    assert config.model_dump()["warmup_steps"] == warmup
    assert type(config).model_validate(config.model_dump()) == config


def test_the_recipe_is_the_authors() -> None:
    config = registry.method_class("wise_ft").Config().model_dump()
    want = {
        "alpha": 0.5, "train_head": False, "optimizer": "adamw", "lr": 3e-5, "weight_decay": 0.1,
        "schedule": "warmup_cosine", "warmup_steps": 500, "crop_scale": (0.9, 1.0),
        "crop_interpolation": "bicubic", "flip": False,
    }  # fmt: skip
    assert {key: config[key] for key in want} == want
