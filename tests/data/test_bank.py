"""The image bank: what its feature cache tells apart, and what it does with a broken cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from harness.clip.load import load_backbone
from harness.data.bank import ImageBank
from harness.data.checked import mark_checked
from harness.data.fingerprints import content_of
from harness.data.reader import PixelCache
from harness.dataset import Dataset, Sample
from harness.method import TrainConfig
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep.plan import open_dataset
from tests.conftest import make_folder

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
    monkeypatch.setattr("harness.clip.backbone.device_name", lambda device: cards[device])
    keys = [kept.features_key(samples, None)]
    for device in cards:
        kept.backbone.device = torch.device(device)
        keys.append(kept.features_key(samples, None))
    assert len(set(keys)) == 3
    assert keys[1] == keys[3]


def test_prepared_test_images_are_to_the_bit_those_without_a_cache(
    data: Dataset, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [*data.samples("domain1"), *data.samples("domain0")[:7]]
    want = bank(data, random_clip, None).test_images(samples)
    backbone = load_backbone(ModelSpec(name=f"local-dir:{random_clip}"))
    stride = 12 + 3 * backbone.preprocess.image_size**2
    for room in (20 * stride, 10**7):  # for some, for all
        for threads in (1, 3):
            cached = ImageBank(data, backbone, tmp_path, threads, disk_bytes=room)
            assert torch.equal(cached.test_images(samples), want)
            parts = list(cached.test_batches(samples, 10))
            assert torch.equal(torch.cat(parts), want)
            assert [len(part) for part in parts] == [10, 10, 10, 7]
    full = ImageBank(data, backbone, tmp_path, disk_bytes=10**7)
    monkeypatch.setattr(type(data), "read", lambda self, sample: pytest.fail("read again"))
    assert torch.equal(full.test_images(samples), want)


def test_what_was_checked_is_not_checked_again(
    data: Dataset, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = data.samples("domain0")
    bank(data, random_clip, tmp_path).check(samples)
    mark_checked(tmp_path / "other", content_of(data, data.fingerprint()))
    read: list[str] = []
    original = type(data).read

    def noted(self: Any, sample: Any) -> bytes:
        read.append(sample.key)
        return original(self, sample)

    monkeypatch.setattr(type(data), "read", noted)
    bank(data, random_clip, tmp_path).check(samples)
    bank(data, random_clip, tmp_path / "other").check(data.samples("domain2"))
    assert read == []
    bank(data, random_clip, tmp_path).check(data.samples("domain2"))
    assert len(read) == len(data.samples("domain2"))


def test_checking_a_large_set_ends_in_time_and_looks_everywhere(
    data: Dataset, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10**6))
    monkeypatch.setattr("harness.data.reader.time.monotonic", lambda: float(next(clock)))
    read: list[str] = []
    original = type(data).read

    def noted(self: Any, sample: Any) -> bytes:
        read.append(sample.domain)
        return original(self, sample)

    monkeypatch.setattr(type(data), "read", noted)
    samples = [s for d in data.domains for s in data.samples(d)] * 400  # as if it were large
    own = bank(data, random_clip, tmp_path)
    own.check(samples)
    assert set(read) == set(data.domains)
    assert not list((tmp_path / "checked").glob("*"))
    own.check(samples[:1])
    assert len(list((tmp_path / "checked").glob("*"))) == 1


def test_features_in_memory_are_bounded_and_come_back(
    data: Dataset, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = bank(data, random_clip, tmp_path)
    parts = [data.samples("domain0")[i : i + 5] for i in range(4)]
    want = [own.frozen_features(part, None) for part in parts]
    monkeypatch.setattr("harness.data.bank._FEATURE_BYTES", 2 * want[0].nbytes)
    for _ in range(2):
        for part, features in zip(parts, want, strict=True):
            assert torch.equal(own.frozen_features(part, None), features)
            assert own._feature_bytes() <= 2 * want[0].nbytes


def bitmaps(root: Path, shade: int) -> Path:
    """Write images whose names and sizes do not depend on what they show."""
    for domain in ("a", "b"):
        for label, name in enumerate(("cat", "dog")):
            (root / domain / name).mkdir(parents=True)
            for i in range(3):
                color = (shade, 40 * i, 90 * label)
                Image.new("RGB", (8, 8), color).save(root / domain / name / f"{i}.bmp")
    return root


def all_forms(bank: ImageBank, samples: Sequence[Sample]) -> list[torch.Tensor]:
    config, draw = TrainConfig(**VIEWS), torch.Generator().manual_seed(1)
    return [
        bank.test_images(samples),
        bank.train_images(samples, config, draw),
        bank.frozen_features(samples, None),
        bank.frozen_features(samples, config),
    ]


def test_images_of_equal_names_and_sizes_elsewhere_are_other_images(
    random_clip: Path, tmp_path: Path
) -> None:
    cache, pixels = tmp_path / "cache", PixelCache()
    backbone = load_backbone(ModelSpec(name=f"local-dir:{random_clip}"))
    sets = [bitmaps(tmp_path / str(shade), shade) for shade in (0, 250)]
    opened = [open_dataset(DatasetSpec(name="folder"), root) for root in sets]
    assert opened[0].fingerprint() == opened[1].fingerprint()
    for data in opened:
        samples = data.samples("a")
        own = ImageBank(data, backbone, cache, 1, pixels, disk_bytes=10**7)
        alone = ImageBank(data, backbone, None)
        for mine, right in zip(all_forms(own, samples), all_forms(alone, samples), strict=True):
            assert torch.equal(mine, right)


def test_images_that_an_option_turns_are_other_images(random_clip: Path, tmp_path: Path) -> None:
    root = make_folder(tmp_path / "d", domains=2)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    picture = Image.effect_noise((40, 40), 90).convert("RGB")
    picture.save(root / "domain0" / "red_thing" / "00.jpg", exif=exif)
    backbone = load_backbone(ModelSpec(name=f"local-dir:{random_clip}"))
    for turned in (False, True):
        data = open_dataset(DatasetSpec(name="folder", options={"exif": turned}), root)
        samples = [s for s in data.samples("domain0") if s.key.endswith(".jpg")]
        own = ImageBank(data, backbone, tmp_path / "cache", disk_bytes=10**7)
        alone = ImageBank(data, backbone, None)
        for mine, right in zip(all_forms(own, samples), all_forms(alone, samples), strict=True):
            assert torch.equal(mine, right)
