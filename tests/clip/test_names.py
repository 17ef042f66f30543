"""Names of models: what they mean, and what a wrong one brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.clip import names
from harness.specs import ModelSpec
from tests.clip import models
from tests.clip.loading import PLAIN, refused


def test_names_written_as_openai_writes_them() -> None:
    assert names.resolve(ModelSpec(name="ViT-B/16").name) == "ViT-B-16"
    assert names.resolve("hf-hub:owner/model") == "hf-hub:owner/model"
    assert names.resolve("local-dir:a/b") == "local-dir:a/b"


def test_unknown_model_names_the_nearest() -> None:
    message = refused("ViT-B-17", "openai")
    assert message.startswith("unknown model 'ViT-B-17': did you mean ViT-B-16")
    assert "hf-hub:OWNER/NAME" in message


@pytest.mark.usefixtures("known")
def test_unknown_weights_name_the_known() -> None:
    assert refused(PLAIN, "opena").startswith(
        f"unknown weights of {PLAIN} 'opena': did you mean openai? known: far, laion, openai"
    )
    assert refused(PLAIN) == (
        f"model {PLAIN} needs weights; set pretrained to one of openai, laion, far, "
        "or a checkpoint file"
    )


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("path", ["nowhere.pt", "./no/where"])
def test_missing_checkpoint(path: str) -> None:
    assert refused(PLAIN, path) == f"{path}: no such checkpoint file; correct pretrained"


def test_name_with_weights_takes_no_pretrained(tmp_path: Path) -> None:
    folder = models.write_local_dir(tmp_path / "m")
    for name in (f"local-dir:{folder}", "tiny-emoji", "hf-hub:a/b"):
        assert "brings its own weights; leave it empty" in refused(name, "openai")
