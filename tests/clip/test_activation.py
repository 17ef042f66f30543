"""QuickGELU or GELU: which weights want which."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from harness.clip.activation import check_activation, is_torchscript, openai_hashes
from harness.clip.openclip import open_clip
from harness.specs import ModelSpec
from tests.clip import models
from tests.clip.loading import PLAIN, QUICK, features, reference, refused


@pytest.fixture
def torchscript(tmp_path: Path) -> Path:
    """A TorchScript archive with the entries that OpenAI's have beside the weights."""
    path, model = tmp_path / "clip.pt", models.clip()
    del model.attn_mask
    for name, value in (("input_resolution", 24), ("context_length", 12), ("vocab_size", 49408)):
        model.__dict__.pop(name, None)
        model.register_buffer(name, torch.tensor(value))
    inputs = {"encode_image": models.images()}
    traced = torch.jit.trace_module(model, inputs, check_trace=False)
    torch.jit.save(traced, path)
    return path


@pytest.mark.usefixtures("known")
@pytest.mark.filterwarnings("ignore")
def test_torchscript_archive_is_openais(torchscript: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_torchscript(torchscript)
    assert "would run its code" in refused(QUICK, str(torchscript))
    digest = hashlib.sha256(torchscript.read_bytes()).hexdigest()
    monkeypatch.setattr("harness.clip.activation.openai_hashes", lambda: {digest})
    assert refused(PLAIN, str(torchscript)).endswith(f"use model {QUICK}")
    assert_close(features(ModelSpec(name=QUICK, pretrained=str(torchscript))), reference(True))


@pytest.mark.usefixtures("known")
def test_file_is_openais_by_its_name_or_sum(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "vit-t-8.OpenAI.safetensors"
    shutil.copy(weights, named)
    assert refused(PLAIN, str(named)) == (
        f"{named}: these are OpenAI's weights, trained with QuickGELU, and {PLAIN} computes GELU; "
        f"use model {QUICK}"
    )
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    url = f"https://openaipublic.azureedge.net/clip/models/{digest}/ViT-T-8.pt"
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED[PLAIN], "openai", {"url": url})
    assert refused(PLAIN, str(weights)).endswith(f"use model {QUICK}")


def test_openais_sums_are_known() -> None:
    assert "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f" in openai_hashes()
    assert "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762" in openai_hashes()
    assert all(len(digest) == 64 for digest in openai_hashes())


@pytest.mark.parametrize("custom", [False, True])
def test_activation_is_checked_in_both_towers(custom: bool) -> None:
    model = models.clip(quick_gelu=True, custom=custom)
    check_activation(model, True, "M")
    with pytest.raises(RuntimeError, match="M: quick_gelu=False"):
        check_activation(model, False, "M")
    text = model.text if custom else model
    text.transformer.resblocks[1].mlp.gelu = torch.nn.GELU()
    with pytest.raises(RuntimeError, match="M: quick_gelu=True"):
        check_activation(model, True, "M")
