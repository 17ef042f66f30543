from __future__ import annotations

from pathlib import Path

import pytest

from harness.clip.backbone import Backbone
from harness.clip.load import load_backbone
from harness.specs import ModelSpec
from tests.methods import toy


@pytest.fixture(scope="session")
def backbone(random_clip: Path) -> Backbone:
    """Return a random CLIP: image 16, patch 8, three blocks; methods work on a fork of it."""
    return load_backbone(ModelSpec(name=f"local-dir:{random_clip}"), "cpu")


@pytest.fixture(scope="session")
def tuned(backbone: Backbone) -> Backbone:
    """Return the random CLIP with an image tower that has learned the toy problem's prompts.

    What prompt learning needs: image features that mean something to the text tower.
    """
    run = toy.build("finetune", backbone, steps=200, lr=1e-3)
    toy.train(run)
    run.backbone.model.requires_grad_(False)
    return run.backbone
