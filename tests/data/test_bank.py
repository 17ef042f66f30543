"""The image bank: what its feature cache tells apart, and what it does with a broken cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.clip.load import load_backbone
from harness.data.bank import ImageBank
from harness.dataset import Dataset
from harness.method import TrainConfig
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep.plan import open_dataset

VIEWS: dict[str, Any] = {"feature_views": 2}


@pytest.fixture
def data(image_folder: Path) -> Dataset:
    return open_dataset(DatasetSpec(name="folder"), image_folder)


def bank(data: Dataset, random_clip: Path, cache: Path | None) -> ImageBank:
    return ImageBank(data, load_backbone(ModelSpec(name=f"local-dir:{random_clip}")), cache)


def files(cache: Path) -> list[Path]:
    return sorted((cache / "features").glob("*.npy"))


@pytest.mark.parametrize(
    "other",
    [
        {"feature_views": 3},
        {"crop_scale": (0.1, 0.2)},
        {"flip": False},
        {"crop_interpolation": "bicubic"},
    ],
)
def test_features_of_another_augmentation_are_other_features(
    data: Dataset, random_clip: Path, tmp_path: Path, other: dict[str, Any]
) -> None:
    """A cache that does not know the recipe gives CoOp wrong numbers without a word."""
    samples = data.samples("domain0")[:6]
    one, two = TrainConfig(**VIEWS), TrainConfig(**{**VIEWS, **other})
    both = [bank(data, random_clip, tmp_path).frozen_features(samples, c) for c in (one, two)]
    assert len(files(tmp_path)) == 2
    alone = bank(data, random_clip, None).frozen_features(samples, two)
    assert torch.equal(both[1], alone)
    assert both[0].shape != both[1].shape or not torch.equal(both[0], both[1])


def test_what_has_no_bearing_on_the_features_shares_them(
    data: Dataset, random_clip: Path, tmp_path: Path
) -> None:
    samples = data.samples("domain0")[:6]
    for lr in (1e-3, 1e-4):
        config = TrainConfig(**VIEWS, lr=lr)
        bank(data, random_clip, tmp_path).frozen_features(samples, config)
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("change", ["cut", "empty", "text", "shape", "nan", "bit"])
def test_a_broken_cache_is_computed_again(
    data: Dataset,
    random_clip: Path,
    tmp_path: Path,
    change: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    samples = data.samples("domain0")[:6]
    want = bank(data, random_clip, tmp_path).frozen_features(samples, None)
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    if change in ("shape", "nan"):
        wrong = np.zeros((3, 1, 2), np.float32) if change == "shape" else want.numpy() * np.nan
        np.save(file, wrong)
    else:
        flipped = bytearray(whole)
        flipped[-40] ^= 1
        changed = {"cut": whole[:50], "empty": b"", "text": b"no array", "bit": bytes(flipped)}
        file.write_bytes(changed[change])
    assert torch.equal(bank(data, random_clip, tmp_path).frozen_features(samples, None), want)
    assert f"{file}: computed again" in capsys.readouterr().out
    assert file.read_bytes() == whole  # and mended


def test_a_cache_that_cannot_be_written_is_done_without(
    data: Dataset, random_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = data.samples("domain0")[:6]
    (tmp_path / "features").write_text("a file, not a folder")
    kept = bank(data, random_clip, tmp_path)
    want = bank(data, random_clip, None).frozen_features(samples, None)
    assert torch.equal(kept.frozen_features(samples, None), want)
    assert "features are not kept" in capsys.readouterr().out
    assert torch.equal(kept.frozen_features(samples, None), want)


def test_features_of_two_kinds_of_gpu_are_kept_apart(
    data: Dataset, random_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sums differ in the last digits; the same kind in another slot shares them."""
    kept, samples = bank(data, random_clip, None), data.samples("domain0")[:2]
    cards = {"cuda:0": "A100", "cuda:1": "H100", "cuda:2": "A100"}
    monkeypatch.setattr("harness.data.bank.device_name", lambda device: cards[device])
    keys = [kept.features_key(samples, None)]
    for device in cards:
        kept.backbone.device = torch.device(device)
        keys.append(kept.features_key(samples, None))
    assert len(set(keys)) == 3
    assert keys[1] == keys[3]
