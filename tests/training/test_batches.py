"""Batches: a pure function of (seed, step), from each source or from all together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import registry
from harness.clip.load import load_backbone
from harness.data.bank import ImageBank
from harness.protocols.domain_shift import DomainShift
from harness.protocols.splits import Sources
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep.plan import open_dataset
from harness.training.batches import Batches


@pytest.fixture(scope="module")
def bank(image_folder: Path, random_clip: Path) -> ImageBank:
    data = open_dataset(DatasetSpec(name="folder"), image_folder)
    return ImageBank(data, load_backbone(ModelSpec(name=f"local-dir:{random_clip}")), None)


def batches(bank: ImageBank, name: str, seed: int = 0, **config: Any) -> tuple[Batches, Sources]:
    cls = registry.method_class(name)
    sources = DomainShift().sources(bank.dataset, "domain1", 0)
    # one domain with half of the other's images
    sources.train["domain0"] = sources.train["domain0"][:12]
    return Batches(cls(cls.Config(**config)), bank, sources, seed), sources


def test_a_part_of_each_source(bank: ImageBank) -> None:
    made, _ = batches(bank, "clipood", batch_per_domain=3)
    batch = made(5)
    assert batch.domains.tolist() == [0, 0, 0, 1, 1, 1]
    assert batch.images is not None
    assert batch.images.shape == (6, 3, 16, 16)
    again = batches(bank, "clipood", batch_per_domain=3)[0](5)
    assert torch.equal(batch.images, again.images)
    assert not torch.equal(batch.images, made(6).images)


def test_so_many_of_all_sources_together_each_image_as_likely(bank: ImageBank) -> None:
    made, sources = batches(bank, "coop", n_ctx=4, batch_size=4, feature_views=0)
    seen: Counter[int] = Counter()
    for step in range(600):
        batch = made(step)
        assert len(batch.labels) == 4
        assert batch.features is not None
        assert batch.features.shape[0] == 4
        seen.update(batch.domains.tolist())
    share = len(sources.train["domain0"]) / sum(map(len, sources.train.values()))
    assert seen[0] / seen.total() == pytest.approx(share, abs=0.03)  # 12 of 36


def test_labels_and_features_belong_to_the_same_image(bank: ImageBank) -> None:
    made, sources = batches(bank, "coop", n_ctx=4, batch_size=5, feature_views=0)
    known = {}
    for domain, samples in sources.train.items():
        features = bank.frozen_features(samples, None)[:, 0]
        for sample, row in zip(samples, features, strict=True):
            known[tuple(row.tolist())] = (sample.label, list(sources.train).index(domain))
    for step in range(20):
        batch = made(step)
        assert batch.features is not None
        for row, label, domain in zip(batch.features, batch.labels, batch.domains, strict=True):
            assert known[tuple(row.tolist())] == (int(label), int(domain))


def test_one_image_a_step(bank: ImageBank) -> None:
    made, _ = batches(bank, "cocoop", batch_size=1, reduction=2)
    assert {len(made(step).labels) for step in range(10)} == {1}
