"""Learned prompts beside exported weights classify; a class that was not learned is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from harness.clip.load import load_backbone
from harness.clip.vectors import learned_vectors
from harness.errors import UserError
from harness.specs import ModelSpec
from tests.clip import models

VECTORS = torch.arange(32.0).view(2, 16)


def write(folder: Path, **about: Any) -> Path:
    words = {"class_names": json.dumps(["a_cat", "dog"]), "vectors": "learned", **about}
    file = folder / "classes.safetensors"
    save_file({"classes": VECTORS}, file, metadata={"about": json.dumps(words)})
    return folder


def test_they_stand_in_for_texts_where_a_model_is_tested_as_it_came(tmp_path: Path) -> None:
    folder = write(models.write_local_dir(tmp_path / "m"))
    spec = ModelSpec(name=f"local-dir:{folder}", elsewhere=True)
    found = load_backbone(spec)
    for backbone in (found, found.fork()):
        assert torch.equal(backbone.text_features(("dog", "a cat"), "{}"), VECTORS.flip(0))
    trained = load_backbone(spec.model_copy(update={"elsewhere": False}))
    assert trained.learned is None


def test_texts_classify_where_nothing_was_learned(tmp_path: Path) -> None:
    folder = write(models.write_local_dir(tmp_path / "m"), vectors="texts")
    found = load_backbone(ModelSpec(name=f"local-dir:{folder}", elsewhere=True))
    assert found.text_features(("bird",), "{}").shape == (1, 16)


def test_other_classes_are_refused(tmp_path: Path) -> None:
    found = learned_vectors(write(tmp_path))
    assert found is not None
    with pytest.raises(UserError, match=r"learned for 2 classes, and 'bird' is none of them"):
        found.of(("dog", "bird"))


@pytest.mark.parametrize("about", [{"class_names": "[]"}, {"class_names": "{"}, {"vectors": 1}])
def test_a_file_that_does_not_name_its_classes_is_one_line(
    tmp_path: Path, about: dict[str, Any]
) -> None:
    write(tmp_path, **about)
    if about == {"vectors": 1}:
        save_file({"other": VECTORS}, tmp_path / "classes.safetensors")
    with pytest.raises(
        UserError, match=r"cannot be read as the classes of an exported run .*again"
    ):
        learned_vectors(tmp_path)
