"""What methods share that classify by text features: their refusals."""

from __future__ import annotations

import pytest
import torch

from harness.clip.forward import TraceRequest
from harness.clip.info import outline
from harness.errors import UserError
from harness.method import Batch
from harness.specs import ModelSpec
from harness.training.text_head import check_trace, images_of


def test_a_batch_of_features_has_no_images() -> None:
    labels = torch.zeros(2, dtype=torch.int64)
    images = torch.zeros(2, 3, 4, 4)
    assert images_of(Batch(labels, labels, 1, images=images)) is images
    with pytest.raises(ValueError, match="trains the image tower"):
        images_of(Batch(labels, labels, 1, features=torch.zeros(2, 5)))


@pytest.mark.parametrize(
    "request_", [TraceRequest(attention_layers=4), TraceRequest(branch="q-q", branch_depth=4)]
)
def test_more_blocks_than_there_are(request_: TraceRequest) -> None:
    four = outline(ModelSpec(name="ViT-S-16"))
    four.model.visual.transformer.resblocks = four.model.visual.transformer.resblocks[:4]
    check_trace(four, request_, "mine[depth=4]")
    three = outline(ModelSpec(name="ViT-S-16"))
    three.model.visual.transformer.resblocks = three.model.visual.transformer.resblocks[:3]
    with pytest.raises(
        UserError, match=r"^mine\[depth=4\]: .*-16 has 3 attention blocks"
    ) as caught:
        check_trace(three, request_, "mine[depth=4]")
    assert "\n" not in str(caught.value)
