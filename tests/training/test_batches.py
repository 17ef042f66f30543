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
from harness.data.reader import AHEAD
from harness.errors import UserError
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


def test_the_next_batches_are_read_while_a_step_runs_and_none_past_the_last(
    bank: ImageBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = Batches._read

    def noted(self: Batches, step: int) -> Any:
        read.append(step)
        return original(self, step)

    monkeypatch.setattr(Batches, "_read", noted)
    made, _ = batches(bank, "clipood", batch_per_domain=2, steps=5)
    for step in range(5):
        made(step)
        assert read == list(range(min(step + 1 + AHEAD, 5)))
    made.close()


def test_numbers_do_not_depend_on_threads_or_order(
    bank: ImageBank, image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    one, _ = batches(bank, "clipood", batch_per_domain=3, steps=9)
    threaded = ImageBank(bank.dataset, bank.backbone, tmp_path, 4, disk_bytes=10**6)
    many, _ = batches(threaded, "clipood", batch_per_domain=3, steps=9)
    for step in (0, 1, 2, 7, 3, 4):  # a run resumes anywhere
        mine, theirs = one(step).images, many(step).images
        assert mine is not None
        assert theirs is not None
        assert torch.equal(mine, theirs)


def test_a_broken_image_is_the_steps_error(
    bank: ImageBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = ImageBank(bank.dataset, bank.backbone, None, 2)
    monkeypatch.setattr(type(bank.dataset), "read", lambda self, sample: b"broken")
    made, _ = batches(empty, "clipood", batch_per_domain=2, steps=3)
    with pytest.raises(UserError, match=r"domain\d/.*png: not a readable image"):
        made(0)
    made.close()
