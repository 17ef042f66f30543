"""What the class matrix shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from datasets.emoji import Emoji
from harness.clip.load import load_backbone
from harness.maps.matrix import KAPPA, class_files
from harness.specs import ModelSpec


def test_cosines_and_smoothed_targets_are_drawn_under_the_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[tuple[Any, ...]] = []

    def picture(*given: Any) -> bytes:
        drawn.append(given)
        return given[-1].encode()

    monkeypatch.setattr("harness.maps.matrix.class_picture", picture)
    backbone = load_backbone(ModelSpec(name="tiny-emoji"))
    dataset = Emoji(Emoji.Options(), None)
    files = list(class_files(backbone, dataset, None, "classes"))
    assert files == [("classes.png", b"png"), ("classes.pdf", b"pdf")]
    names, cosine, distribution, titles, caption, _ = drawn[0]
    assert len(names) == len(dataset.class_names)
    assert not any("_" in name for name in names)
    assert np.diag(cosine) == pytest.approx(np.ones(len(names)), abs=1e-5)
    weights = np.exp(KAPPA * (cosine - 1))
    expected = weights / weights.sum(axis=1, keepdims=True)
    assert distribution == pytest.approx(expected, abs=1e-4)
    assert "κ = 35" in titles[1]
    assert "κ = 35." in caption
    list(class_files(backbone, dataset, 5.0, "classes"))
    assert "κ = 5" in drawn[-1][3][1]
