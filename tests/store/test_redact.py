"""What leaves a machine: names, no places."""

from __future__ import annotations

import pytest

from harness.specs import ModelSpec
from harness.store.redact import safe_spec, safe_text
from tests.store.exchange.stores import spec


@pytest.mark.parametrize(
    "model",
    [
        ModelSpec(name="local-dir:/home/jane/clip", fingerprint="f"),
        ModelSpec(name="local-dir:../jane/clip", fingerprint="f"),
        ModelSpec(name="local-dir:clip", fingerprint="f"),
        ModelSpec(name="ViT-B-16", pretrained="/home/jane/w.pt", fingerprint="f"),
        ModelSpec(name="ViT-B-16", pretrained="w.pt", fingerprint="f"),
        ModelSpec(name="ViT-B-16", pretrained="w.pt", base="/home/jane/b.pt", fingerprint="f"),
        ModelSpec(name="hf-hub:jane/clip"),
        ModelSpec(name="ViT-B-16", pretrained="openai"),
    ],
    ids=lambda model: model.title(),
)
def test_an_identity_survives_the_loss_of_its_places(model: ModelSpec) -> None:
    given = spec(model=model)
    safe = safe_spec(given)
    assert safe.id == given.id
    if model.fingerprint:
        assert "jane" not in safe.model.model_dump_json()
    else:
        assert safe.model == model


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("/home/jane/a b/c", "c"),
        ("~/x/y.py", "y.py"),
        ("~jane/x", "x"),
        ("--store=/a/b", "--store=b"),
        ("in '/a/b/c.py', line 3: /d/e: no", "in 'c.py', line 3: e: no"),
        ("file:///home/jane/x", "file://x"),
        ("ViT-B/16 and/or https://a.org/b/c", "ViT-B/16 and/or https://a.org/b/c"),
        ("a photo of a {} / drawing", "a photo of a {} / drawing"),
        ("results/mine ../x ./y", "results/mine ../x ./y"),
    ],
)
def test_paths_in_texts(text: str, safe: str) -> None:
    assert safe_text(text) == safe
    assert safe_text(safe) == safe
