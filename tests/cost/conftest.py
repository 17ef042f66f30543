from __future__ import annotations

from pathlib import Path

import pytest

from harness.clip.backbone import Backbone
from harness.clip.load import load_backbone
from harness.specs import ModelSpec


@pytest.fixture(scope="session")
def backbone(random_clip: Path) -> Backbone:
    return load_backbone(ModelSpec(name=f"local-dir:{random_clip}"))


@pytest.fixture(autouse=True)
def _one_call_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.cost.subject.BLOCK_SECONDS", 0.001)
