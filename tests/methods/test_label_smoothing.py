from __future__ import annotations

import pytest
import torch

from harness.clip.backbone import Backbone
from tests.methods import loops, toy


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_smoothed_loss(backbone: Backbone, smoothing: float) -> None:
    run = toy.build("label_smoothing", backbone, smoothing=smoothing)
    batch = run.batch(0)
    assert batch.images is not None
    text = loops.rows(backbone.text_features(toy.NAMES, toy.TEMPLATE))
    features = loops.rows(backbone.image_features(batch.images))
    logits = [[backbone.logit_scale * loops.dot(f, t) for t in text] for f in features]
    targets = [
        [(1 - smoothing) * q + smoothing / 3 for q in loops.onehot(y, 3)]
        for y in batch.labels.tolist()
    ]
    got = run.method.losses(batch)
    assert list(got) == ["classification"]
    want = loops.cross_entropy(logits, targets)
    assert float(got["classification"].detach()) == pytest.approx(want, rel=1e-4)


def test_without_smoothing_it_is_finetuning(backbone: Backbone) -> None:
    runs = [
        toy.build("label_smoothing", backbone, smoothing=0, steps=3, lr=1e-3),
        toy.build("finetune", backbone, steps=3, lr=1e-3),
    ]
    assert toy.train(runs[0])[0] == toy.train(runs[1])[0]


def test_smoothing_is_gone_at_test_time(backbone: Backbone) -> None:
    images, _ = toy.pictures(4, seed=0)
    a, b = (toy.build(name, backbone).method for name in ("label_smoothing", "zero_shot"))
    with torch.no_grad():
        ours = a.logits(a.image_features(images), toy.UNSEEN)
        assert torch.equal(ours, b.logits(b.image_features(images), toy.UNSEEN))
