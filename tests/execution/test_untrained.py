"""What trains nothing is computed once, for all runs and processes, and to the bit the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.data.bank import ImageBank
from harness.execution.run import Shared, build, execute
from harness.specs import RunSpec
from harness.training import evaluate
from harness.training.evaluate import predict
from tests.engine import make_context, make_spec

NAMES = ("cat", "dog", "a thing nobody trained")


def opened(spec: RunSpec, place: Path, images: Path, cache: Path | None) -> tuple[Any, ImageBank]:
    """Return the method of a new process, and its bank."""
    shared = Shared(make_context(place, images, cache=cache))
    bank = shared.bank(spec)
    sources = spec.protocol.sources(bank.dataset, spec.target, spec.data_seed)
    return build(spec, shared, sources).method, bank


def forwards(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with every call of a tower's transformer."""
    from open_clip.transformer import Transformer

    seen: list[str] = []
    call = nn.Module.__call__

    def noted(module: nn.Module, *args: Any, **more: Any) -> Any:
        if isinstance(module, nn.Embedding | nn.Conv2d | Transformer):
            seen.append(type(module).__name__)
        return call(module, *args, **more)

    monkeypatch.setattr(nn.Module, "__call__", noted)
    return seen


@pytest.fixture
def uncached() -> Iterator[Any]:
    def logits(method: Any, bank: ImageBank, samples: Any) -> Tensor:
        with torch.no_grad():
            parts = bank.test_batches(samples)
            return torch.cat([method.logits(method.image_features(x), NAMES) for x in parts])

    return logits


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("zero_shot", {}),
        ("clip_surgery", {"depth": 1}),
        ("clip_surgery", {"depth": 1, "feature_surgery": True}),
    ],
)
def test_a_second_process_computes_nothing_and_gets_the_same_bits(
    name: str, given: Any, image_folder: Path, random_clip: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, uncached: Any,
) -> None:  # fmt: skip
    spec = make_spec(name, image_folder, random_clip, **given)
    method, bank = opened(spec, tmp_path, image_folder, None)
    samples = bank.dataset.samples("domain1")
    want = uncached(method, bank, samples)
    first, bank = opened(spec, tmp_path, image_folder, tmp_path / "cache")
    assert torch.equal(predict(first, bank, samples, NAMES), want)
    seen = forwards(monkeypatch)
    second, bank = opened(spec, tmp_path, image_folder, tmp_path / "cache")
    assert torch.equal(predict(second, bank, samples, NAMES), want)
    assert seen == []
    uncached(method, bank, samples[:1])
    assert seen  # so that the list above was empty for a reason


def test_another_configuration_or_an_edited_method_has_features_of_its_own(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    uncached: Any,
) -> None:  # fmt: skip
    def count() -> int:
        return len(list((tmp_path / "cache" / "features").glob("*.npy")))

    found = []
    for depth in (1, 2):
        spec = make_spec("clip_surgery", image_folder, random_clip, depth=depth)
        method, bank = opened(spec, tmp_path, image_folder, tmp_path / "cache")
        samples = bank.dataset.samples("domain1")
        found.append(predict(method, bank, samples, NAMES))
        assert torch.equal(found[-1], uncached(method, bank, samples))
    assert not torch.equal(*found)
    before = count()
    monkeypatch.setattr(evaluate, "source_hash", lambda cls: "edited")
    predict(method, bank, samples, NAMES)
    assert count() == before + 1
    monkeypatch.setattr(evaluate, "room_hash", lambda room: "edited")
    predict(method, bank, samples, NAMES)
    assert count() == before + 2
    monkeypatch.setattr(evaluate, "source_hash", lambda cls: "")  # nobody can tell what it is
    assert torch.equal(predict(method, bank, samples, NAMES), found[-1])
    assert count() == before + 2


def test_texts_are_kept_apart_by_weights_architecture_and_tokens(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("zero_shot", image_folder, random_clip)
    _, bank = opened(spec, tmp_path, image_folder, tmp_path / "cache")
    one = bank.backbone
    asked = []

    class Kept:
        def read(self, name: str, rows: int) -> Tensor | None:
            asked.append(name)
            return None

        def write(self, name: str, features: Tensor) -> None:
            assert features.device.type == "cpu"

    one.kept = Kept()
    other = one.spec.model_copy(update={"name": "the same weights, QuickGELU"})
    for change in ({}, {"fingerprint": "other weights"}, {"spec": other}):
        for name, value in change.items():
            setattr(one, name, value)
        for template in ("a photo of a {}.", "a sketch of a {}."):
            one._texts.clear()
            one.text_features(("cat", "dog"), template)
    assert len(set(asked)) == len(asked) == 6


def test_all_seeds_and_targets_take_one_pass_over_the_images(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    look = ImageBank._test

    def noted(bank: ImageBank, sample: Any) -> Tensor:
        read.append(sample.key)
        return look(bank, sample)

    monkeypatch.setattr(ImageBank, "_test", noted)
    shared = Shared(make_context(tmp_path / "store", image_folder, cache=tmp_path / "cache"))
    specs = [
        make_spec("zero_shot", image_folder, random_clip, target=target, seed=seed)
        for target in ("domain0", "domain1", "domain2")
        for seed in (0, 1)
    ]
    for spec in specs:
        execute(spec, shared)
    opened = shared.bank(specs[0]).dataset
    every = [s.key for domain in opened.domains for s in opened.samples(domain)]
    assert sorted(read) == sorted(every)


def test_a_part_of_a_domain_has_the_rows_of_the_whole_in_its_own_order(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.data.bank.SHARD", 7)
    _, bank = opened(
        make_spec("zero_shot", image_folder, random_clip), tmp_path, image_folder, None
    )
    whole = [*bank.dataset.samples("domain2"), *bank.dataset.samples("domain0")]
    every = dict(zip(
        [s.key for s in whole],
        bank.untrained_features(whole, bank.plain_features, ""), strict=True,
    ))  # fmt: skip
    some = [whole[i] for i in torch.randperm(len(whole))[:25].tolist()]
    rows = bank.untrained_features(some, bank.plain_features, "")
    assert torch.equal(rows, torch.stack([every[s.key] for s in some]))
    with bank.only(some):  # what may not be read is not: the others of its domain stay closed
        alone = bank.untrained_features(some, bank.plain_features, "")
    torch.testing.assert_close(alone, rows)
