"""The traced pass of a ResNet against open_clip's own and full matrices."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.testing import assert_close

from harness.clip.forward import TraceRequest, trace
from tests.clip import models
from tests.clip.sums import FIELDS, STRUCTURES, gradients, total


@pytest.mark.parametrize("structure", STRUCTURES)
def test_resnet_equals_full_matrices(structure: Any) -> None:
    visual = models.resnet().double().visual
    pixels = models.images(64, dtype=torch.float64)
    request = TraceRequest(1, patches=True, branch=structure, branch_depth=1)
    found, expected = trace(visual, pixels, request), models.slow_pool(visual, pixels, structure)
    for name in FIELDS:
        assert_close(getattr(found, name), expected[name], atol=1e-10, rtol=1e-10)
    slow = gradients(visual, total(expected))
    for name, value in gradients(visual, total(found)).items():
        assert_close(value, slow[name], atol=1e-8, rtol=1e-8)


def test_resnet_pooled_equals_open_clips_own() -> None:
    visual = models.resnet().visual
    pixels = models.images(64)
    for request in (TraceRequest(1), TraceRequest(patches=True), TraceRequest()):
        assert_close(trace(visual, pixels, request).pooled, visual(pixels), atol=1e-5, rtol=1e-5)
