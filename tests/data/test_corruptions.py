"""Corrupted pixels follow from the image's key, whoever asks, when, and for what else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.clip.load import load_backbone
from harness.data import reader
from harness.data.bank import ImageBank
from harness.data.corruptions import corrupted
from harness.dataset import Dataset, Sample
from harness.errors import UserError
from harness.protocols.corruptions import KINDS
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep.plan import open_dataset

DRAWN = {
    "gaussian_noise", "shot_noise", "impulse_noise", "glass_blur", "motion_blur", "snow", "frost",
    "fog", "elastic_transform",
}  # fmt: skip
"""Kinds that are random."""


def picture(seed: int = 0, side: int = 48) -> Tensor:
    """Return a smooth picture with an edge: something to blur, to shift and to compress."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] / side
    light = 90 + 60 * np.sin(6 * rows)[..., None] * rng.random(3) + 70 * (columns > 0.5)[..., None]
    return torch.from_numpy(light.clip(0, 255).astype(np.uint8)).permute(2, 0, 1).contiguous()


def all_of(pixels: Tensor, kinds: tuple[str, ...] = KINDS, key: str = "k") -> dict[str, Tensor]:
    return {kind: corrupted(pixels, key, f"{kind} 3") for kind in kinds}


def test_the_same_bytes_in_any_order_from_threads_and_whatever_was_drawn_before() -> None:
    pixels = picture()
    first = all_of(pixels)
    np.random.seed(7)
    again = all_of(pixels, KINDS[::-1])
    tasks = [*KINDS, *KINDS[::-1]]
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda kind: corrupted(pixels, "k", f"{kind} 3"), tasks))
    for kind, own in [*again.items(), *zip(tasks, threaded, strict=True)]:
        assert torch.equal(own, first[kind]), kind
    assert len({own.numpy().tobytes() for own in first.values()}) == len(KINDS)


def test_the_key_changes_what_is_drawn_and_nothing_else() -> None:
    pixels = picture()
    one, two = all_of(pixels), all_of(pixels, key="other")
    assert {kind for kind in KINDS if not torch.equal(one[kind], two[kind])} == DRAWN


@pytest.mark.parametrize("kind", KINDS)
def test_severities_differ_and_more_is_further_from_the_image(kind: str) -> None:
    pixels = picture(side=96)
    found = [corrupted(pixels, "k", f"{kind} {severity}") for severity in (1, 2, 3, 4, 5)]
    assert len({own.numpy().tobytes() for own in found}) == 5
    assert {(own.shape, own.dtype, own.is_contiguous()) for own in found} == {
        (pixels.shape, torch.uint8, True)
    }
    away = [float((own.float() - pixels.float()).abs().mean()) for own in found]
    assert 0 < away[0] < away[4]


@pytest.mark.parametrize("side", [32, 33, 48, 224, 336])
def test_any_side_that_models_have(side: int, capfd: pytest.CaptureFixture[str]) -> None:
    for kind in KINDS:
        assert corrupted(picture(side=side), "k", f"{kind} 5").shape == (3, side, side)
    assert capfd.readouterr() == ("", "")


def test_numpys_generator_is_left_as_it_was_even_by_an_error() -> None:
    np.random.seed(3)
    expected = np.random.RandomState(3).random_sample(2)
    assert np.random.random_sample() == expected[0]
    all_of(picture())
    with pytest.raises(KeyError):
        corrupted(picture(), "k", "smoke 1")
    assert np.random.random_sample() == expected[1]


def test_a_model_of_smaller_images_is_refused() -> None:
    with pytest.raises(UserError, match="images of 16 pixels, the corruptions need 32"):
        corrupted(picture(side=16), "k", "fog 1")


@pytest.fixture
def data(image_folder: Path) -> Dataset:
    return open_dataset(DatasetSpec(name="folder"), image_folder)


def bank(data: Dataset, cache: Path | None) -> ImageBank:
    return ImageBank(data, load_backbone(ModelSpec(name="tiny-emoji")), cache, decode_threads=3)


def test_no_cache_mixes_clean_and_corrupted_images(data: Dataset, tmp_path: Path) -> None:
    clean = data.samples("domain0")[:4]
    made = {
        word: [Sample(s.key, s.label, s.domain, corruption=word) for s in clean]
        for word in ("fog 1", "fog 5", "snow 1")
    }
    asked = [*clean, *(s for own in made.values() for s in own)]
    one = bank(data, tmp_path)
    pixels, features = [], []
    for _ in range(2):  # written, then read
        images = one.test_images(asked)
        pixels.append(images)
        features.append(one.untrained_features(asked, one.plain_features, ""))
        features.append(one.frozen_features(asked, None)[:, 0])
        one = bank(data, tmp_path)
    assert torch.equal(pixels[0], pixels[1])
    assert len({row.numpy().tobytes() for row in pixels[0]}) == len(asked)
    alone = bank(data, None)
    expected = torch.cat([alone.plain_features(alone.test_images([s])) for s in asked])
    for found in features:
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_corrupted_images_are_kept_as_long_as_the_library_is_the_same(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        Sample(s.key, s.label, s.domain, corruption=word)
        for word in ("fog 1", "fog 5")
        for s in data.samples("domain0")[:3]
    ]
    made: list[str] = []

    def counted(pixels: Tensor, key: str, corruption: str) -> Tensor:
        made.append(corruption)
        return corrupted(pixels, key, corruption)

    monkeypatch.setattr(reader, "corrupted", counted)
    first = bank(data, tmp_path).test_images(asked)
    assert sorted(made) == ["fog 1"] * 3 + ["fog 5"] * 3
    one = bank(data, tmp_path)
    assert torch.equal(one.test_images(asked[::-1]).flip(0), first)
    assert len(made) == 6
    before = one.features_key(asked, None), one.features_key(data.samples("domain0"), None)
    monkeypatch.setattr("harness.data.corruptions.version", lambda name: "9")
    bank(data, tmp_path).test_images(asked)
    assert len(made) == 12
    assert one.features_key(asked, None) != before[0]
    assert one.features_key(data.samples("domain0"), None) == before[1]


def test_a_held_out_image_is_held_out_corrupted_too(data: Dataset) -> None:
    seen, held_out = data.samples("domain0")[0], data.samples("domain1")[0]
    other = Sample(held_out.key, held_out.label, held_out.domain, corruption="fog 1")
    one = bank(data, None)
    with one.only([seen]), pytest.raises(PermissionError, match="is held out"):
        one.test_images([other])
