from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from harness import registry
from harness.clip.backbone import Backbone
from harness.errors import UserError
from harness.validation import validated
from tests.methods import toy


def test_finetuning_is_cross_entropy(backbone: Backbone) -> None:
    run = toy.build("finetune", backbone)
    batch = run.batch(0)
    assert batch.images is not None
    logits = run.method.logits(run.method.image_features(batch.images), toy.NAMES)
    want = F.cross_entropy(logits, batch.labels)
    torch.testing.assert_close(run.method.losses(batch)["classification"], want)


def test_recipes_are_finetunings() -> None:
    finetune = registry.method_class("finetune").Config().model_dump()
    for name, more in (("label_smoothing", {"smoothing": 0.1}), ("average_pooling", {})):
        assert registry.method_class(name).Config().model_dump() == {**finetune, **more}


def test_there_is_one_way_to_say_each() -> None:
    for field in ("pooling", "label_smoothing"):
        with pytest.raises(UserError, match=f"unknown field '{field}'"):
            validated(registry.method_class("finetune").Config, {field: 0.1}, "method 'finetune'")
