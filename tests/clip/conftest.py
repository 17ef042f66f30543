"""Two small architectures that open_clip knows while a test asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import save_file

from harness.clip.openclip import open_clip
from tests.clip import models
from tests.clip.loading import PLAIN, QUICK


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
