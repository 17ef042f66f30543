"""Every protocol trains, and opens what it tests when the weights are fixed."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from harness import registry, resources
from harness.clip.load import load_backbone
from harness.data.bank import ImageBank
from harness.dataset import Dataset
from harness.execution.run import Shared, execute, prepare_features
from harness.method import Batch
from harness.protocols import PROTOCOLS, read_protocol
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.integrity import examined
from harness.store.store import Store
from harness.sweep import plan
from tests.conftest import make_folder
from tests.engine import make_context
from tests.execution.test_run import _Peek, _PeekConfig

OPTIONS: dict[str, dict[str, Any]] = {
    "corruptions": {"severities": [5]},
    "cross_dataset": {"tests": [{"name": "manifest", "options": {"template": "a {} picture"}}]},
    "distribution_shift": {"source": "domain0"},
    "domain_and_class": {},
    "domain_shift": {},
    "few_shot": {},
    "multi_target": {},
    "open_class": {},
    "single_source": {},
}
COLOURS = {"red_thing": "scarlet", "blue_thing": "azure"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three domains of `folder`, with a fourth class, and `manifest` in the same place."""
    root = make_folder(tmp_path / "data", domains=4)
    rows = [
        {"image": str(file.relative_to(root)), "class": COLOURS[file.parent.name], "domain": "d"}
        for file in sorted((root / "domain3").glob("*/*.png"))
        if file.parent.name in COLOURS
    ]
    (root / "manifest.json").write_text(json.dumps(rows))
    (root / "manifest.csv").write_text(
        "image,class,domain\n" + "".join(",".join(row.values()) + "\n" for row in rows)
    )
    for domain in ("domain0", "domain1", "domain2"):
        (root / domain / "odd_thing").mkdir()
        for file in (root / domain / "red_thing").iterdir():
            (root / domain / "odd_thing" / file.name).write_bytes(file.read_bytes() + b" ")
    return root


def planned(protocol: str, root: Path, model: Path, method: str, **given: Any) -> RunSpec:
    spec = DatasetSpec(name="folder", options={"domains": ["domain0", "domain1", "domain2"]})
    small = {"steps": 3, "batch_per_domain": 2} if method != "zero_shot" else {}
    if protocol == "corruptions":  # which need 32 pixels
        model = resources.shipped("models") / "tiny-emoji"
    runs = plan.expand(
        [plan.resolve_method(method, small | given)],
        ModelSpec(name=f"local-dir:{model}"),
        spec,
        read_protocol({"name": protocol, "shots": 2, **OPTIONS[protocol]}),
        ["all"],
        [0],
        plan.open_dataset(spec, root),
        root=root,
    )
    return runs[0]


class _Seen(registry.dataset_class("folder")):  # type: ignore[misc]
    log: ClassVar[list[str]] = []

    def read(self, sample: Any) -> bytes:
        self.log.append(sample.key)
        return bytes(super().read(sample))


class _SeenList(registry.dataset_class("manifest")):  # type: ignore[misc]
    def read(self, sample: Any) -> bytes:
        _Seen.log.append(sample.key)
        return bytes(super().read(sample))


class _Reaching(_Peek):
    name = "reaching"
    Config = _PeekConfig
    tested: ClassVar[frozenset[str]] = frozenset()
    banks: ClassVar[frozenset[int]] = frozenset()
    """Those of the run's process; in the tests' lie others, of other runs."""

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        assert batch.images is not None
        _Seen.log.append("step")
        if self.config.reach != "nothing":
            found = [thing for thing in gc.get_objects() if type(thing) is ImageBank]
            for bank in [thing for thing in found if id(thing) in self.banks]:
                data = bank.dataset
                for sample in [s for d in data.domains for s in data.samples(d)]:
                    if sample.key in self.tested:
                        with pytest.raises(PermissionError, match="is held out"):
                            bank.test_images([sample])
                        _Seen.log.append("refused")
        features = self.backbone.image_features(batch.images)
        return {"loss": -(features * self.text[batch.labels]).sum(1).mean()}


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    _Seen.log.clear()
    monkeypatch.setitem(registry.discover("methods").plugins, "reaching", _Reaching)
    monkeypatch.setitem(registry.discover("datasets").plugins, "folder", _Seen)
    monkeypatch.setitem(registry.discover("datasets").plugins, "manifest", _SeenList)


def test_there_is_a_run_of_each() -> None:
    assert set(OPTIONS) == set(PROTOCOLS) - {"trial"}  # see tests/sweep/test_tuning.py


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("protocol", sorted(OPTIONS))
def test_what_is_tested_is_read_when_the_weights_are_fixed(
    protocol: str, root: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Shared(make_context(tmp_path / "store", root))
    spec = planned(protocol, root, random_clip, "reaching", reach="pixels")
    # Its images lie open in the process from the run before: the lock must hold for them, too.
    execute(planned(protocol, root, random_clip, "zero_shot"), shared)
    samples = [s for part, _ in shared.tested(spec) for s in part.samples]
    tested = {s.key for s in samples}
    own = shared.bank(spec).dataset
    sources = spec.protocol.sources(own, spec.target, 0)
    seen = {s.key for part in (sources.train, sources.val) for p in part.values() for s in p}
    assert tested
    assert not tested & seen
    monkeypatch.setattr(_Reaching, "tested", frozenset(tested))
    monkeypatch.setattr(_Reaching, "banks", frozenset(map(id, shared._banks.values())))
    _Seen.log.clear()
    record = execute(spec, shared)
    log = _Seen.log
    assert log.count("step") == 3
    assert "refused" in log
    first = next(i for i, key in enumerate(log) if key in tested)
    assert set(log[:first]) - {"step", "refused"} <= seen
    assert set(log[first:]) == tested
    assert sum(score.n for score in record.metrics.tests.values()) == len(samples)
    assert record.accuracy == spec.protocol.headline(spec.target, record.metrics.tests)
    found, _ = examined(record, Store(tmp_path / "store").run_dir(spec.id) / "predictions.npz")
    assert found == []


def test_another_data_set_is_predicted_under_its_own_names_and_prompts(
    root: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = planned("cross_dataset", root, random_clip, "zero_shot")
    shared = Shared(make_context(tmp_path / "store", root))
    record = execute(spec, shared)
    assert list(record.metrics.tests) == ["manifest", "folder"]
    other: Dataset = plan.open_dataset(DatasetSpec(name="manifest"), root)
    assert record.other_data["manifest"].class_names == ("azure", "scarlet")
    assert record.other_data["manifest"].fingerprint == other.fingerprint()
    (test,) = spec.data()[1:]
    assert test.fingerprint == other.fingerprint()
    backbone = load_backbone(spec.model, "cpu")
    text = backbone.text_features(("azure", "scarlet"), "a {} picture")
    with torch.no_grad():
        pixels = ImageBank(other, backbone, None).test_images(other.samples("d"))
        cosine, expected = (backbone.image_features(pixels) @ text.T).max(1)
    found = Store(tmp_path / "store").predictions(spec.id)
    assert found.prediction[found.test == 0].tolist() == expected.tolist()
    np.testing.assert_allclose(found.score[found.test == 0], cosine.numpy(), atol=2e-3)
    # and what trained is predicted under its own again
    text = backbone.text_features(record.class_names, "a photo of a {}.")
    own = [part for part, bank in shared.tested(spec) if not part.data]
    with torch.no_grad():
        pixels = shared.bank(spec).test_images(own[0].samples)
        cosine, expected = (backbone.image_features(pixels) @ text.T).max(1)
    assert found.prediction[found.test == 1].tolist() == expected.tolist()
    np.testing.assert_allclose(found.score[found.test == 1], cosine.numpy(), atol=2e-3)


def test_other_data_are_part_of_the_identity(root: Path, random_clip: Path) -> None:
    one = planned("cross_dataset", root, random_clip, "zero_shot")
    with (root / "manifest.csv").open("a") as file:
        file.write("domain3/green_thing/00.png,scarlet,d\n")
    assert planned("cross_dataset", root, random_clip, "zero_shot").id != one.id


def test_features_of_other_data_are_prepared(root: Path, random_clip: Path, tmp_path: Path) -> None:
    spec = planned("cross_dataset", root, random_clip, "coop", n_ctx=4, feature_views=2)
    cache = tmp_path / "cache"
    shared = Shared(make_context(tmp_path / "store", root, cache=cache))
    prepare_features(spec, shared)
    for part, bank in shared.tested(spec):
        assert (cache / "features" / f"{bank.features_key(part.samples, None)}.npy").is_file()
