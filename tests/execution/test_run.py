"""One run from spec to record, in this process."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from PIL import Image

from harness import registry
from harness.clip.openclip import open_clip
from harness.data.bank import ImageBank
from harness.errors import UserError
from harness.execution.run import Shared, execute
from harness.method import Batch, TrainConfig
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec
from harness.store.records import Score
from harness.store.store import Store
from harness.training.text_head import TextHeadMethod
from tests.engine import make_context, make_spec, outcome


def test_zero_shot_equals_open_clip_by_hand(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("zero_shot", image_folder, random_clip)
    record = execute(spec, Shared(make_context(tmp_path, image_folder)))
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{random_clip}")
    tokenize = open_clip.get_tokenizer(f"local-dir:{random_clip}")
    names = ["blue thing", "green thing", "red thing"]
    pictures, labels = [], []
    for label, name in enumerate(names):
        for file in sorted((image_folder / "domain1" / name.replace(" ", "_")).iterdir()):
            pictures.append(preprocess(Image.open(file).convert("RGB")))
            labels.append(label)
    with torch.no_grad():
        model.eval()
        words = model.encode_text(tokenize([f"a photo of a {n}." for n in names]), normalize=True)
        image = model.encode_image(torch.stack(pictures), normalize=True)
    cosine, prediction = (image @ words.T).max(dim=1)
    found = Store(tmp_path).predictions(spec.id)
    assert found.label.tolist() == labels
    assert found.prediction.tolist() == prediction.tolist()
    np.testing.assert_allclose(found.score, cosine.numpy(), atol=2e-3)  # stored in half precision
    assert found.zero_shot is not None
    assert found.zero_shot.tolist() == prediction.tolist()
    own = (image * words[torch.tensor(labels)]).sum(1)
    assert found.alignment is not None
    np.testing.assert_allclose(found.alignment, own.numpy(), atol=2e-3)
    correct = int((prediction == torch.tensor(labels)).sum())
    assert record.metrics.tests == {"target": Score(correct=correct, n=30)}
    assert record.metrics.source_val == record.metrics.zero_shot_val
    assert record.trained_parameters == 0


def test_training_beats_zero_shot_on_the_held_out_domain(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    shared = Shared(make_context(tmp_path, image_folder))
    spec = make_spec("finetune", image_folder, random_clip, steps=60)
    trained = execute(spec, shared)
    start = execute(make_spec("zero_shot", image_folder, random_clip), shared)
    after, pretrained = (Store(tmp_path).predictions(run.id) for run in (trained, start))
    assert after.alignment is not None
    assert pretrained.alignment is not None
    assert (after.alignment == pretrained.alignment).all()
    assert trained.accuracy > start.accuracy + 0.3
    metrics, before = trained.metrics, start.metrics
    assert metrics.zero_shot_val == before.source_val  # where the training started
    assert sum(s.correct for s in metrics.source_val.values()) > sum(
        s.correct for s in metrics.zero_shot_val.values()
    )
    first, *_, last = metrics.losses["classification"]
    assert len(metrics.losses["classification"]) == 10
    assert last < first


def test_the_record_says_what_was_run_and_with_what(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("clipood", image_folder, random_clip)
    record = execute(spec, Shared(make_context(tmp_path, image_folder)))
    assert record == Store(tmp_path).read(spec.id)
    assert record.spec == spec
    assert record.class_names == ("blue thing", "green thing", "red thing")
    assert 0 < record.trained_parameters < record.total_parameters
    made = record.provenance
    assert made.wall_s > 0
    assert made.step_ms is not None
    assert made.step_ms > 0
    assert made.versions["torch"].startswith(torch.__version__.split("+", maxsplit=1)[0])
    assert record.metrics.selection == "averaged"
    assert record.metrics.selected_step == 12
    assert not (tmp_path / "work" / spec.id).exists()  # checkpoints of finished runs are gone


def test_runs_of_one_process_do_not_touch_each_other(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("alignclip", image_folder, random_clip)
    execute(spec, Shared(make_context(tmp_path / "alone", image_folder)))
    shared = Shared(make_context(tmp_path / "after", image_folder))
    for other in ("coop", "finetune", "zero_shot"):
        execute(make_spec(other, image_folder, random_clip), shared)
    execute(spec, shared)
    assert outcome(tmp_path / "after", spec.id) == outcome(tmp_path / "alone", spec.id)


@pytest.mark.parametrize("cached", [False, True])
def test_cached_features_change_nothing(
    image_folder: Path, random_clip: Path, tmp_path: Path, cached: bool
) -> None:
    spec = make_spec("coop", image_folder, random_clip)
    execute(spec, Shared(make_context(tmp_path / "without", image_folder)))
    cache = tmp_path / "cache"
    if cached:
        filled = make_context(tmp_path / "first", image_folder, cache=cache)
        execute(make_spec("coop", image_folder, random_clip, seed=0, n_ctx=2), Shared(filled))
        assert list(cache.glob("features/*.npy"))
    execute(spec, Shared(make_context(tmp_path / "with", image_folder, cache=cache)))
    assert outcome(tmp_path / "with", spec.id) == outcome(tmp_path / "without", spec.id)


class _Seen(registry.dataset_class("folder")):  # type: ignore[misc]
    """A data set that notes in which order its domains were read."""

    log: ClassVar[list[str]] = []

    def read(self, sample: Any) -> bytes:
        self.log.append(sample.domain)
        return bytes(super().read(sample))


class _PeekConfig(TrainConfig):
    steps: int = 3
    batch_per_domain: int = 2
    reach: Literal["nothing", "pixels", "features"] = "nothing"


class _Peek(TextHeadMethod[_PeekConfig]):
    """Looks through all of the process's memory for a way to the held-out domain."""

    name, summary, citation = "peek", "", ""
    Config = _PeekConfig

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        assert batch.images is not None
        _Seen.log.append("step")
        for bank in [thing for thing in gc.get_objects() if type(thing) is ImageBank]:
            target = bank.dataset.samples("domain1")
            if self.config.reach == "pixels":
                bank.test_images(target)
            if self.config.reach == "features":
                bank.frozen_features(target, None)
        features = self.backbone.image_features(batch.images)
        return {"loss": -(features * self.text[batch.labels]).sum(1).mean()}


@pytest.fixture
def peeking(monkeypatch: pytest.MonkeyPatch) -> None:
    _Seen.log.clear()
    monkeypatch.setitem(registry.discover("methods").plugins, "peek", _Peek)
    monkeypatch.setitem(registry.discover("datasets").plugins, "folder", _Seen)


@pytest.mark.usefixtures("peeking")
@pytest.mark.parametrize("selection", ["last", "best"])
def test_the_held_out_domain_is_read_after_the_last_look_at_a_source(
    image_folder: Path, random_clip: Path, tmp_path: Path, selection: str
) -> None:
    spec = make_spec("peek", image_folder, random_clip, selection=selection)
    execute(spec, Shared(make_context(tmp_path, image_folder)))
    log = _Seen.log
    assert "domain1" in log
    assert set(log[log.index("domain1") :]) == {"domain1"}  # no step and no selection after it
    assert log.count("step") == 3


@pytest.mark.usefixtures("peeking")
@pytest.mark.parametrize("reach", ["pixels", "features"])
def test_a_method_that_reaches_for_the_held_out_domain_fails(
    image_folder: Path, random_clip: Path, tmp_path: Path, reach: str
) -> None:
    shared = Shared(make_context(tmp_path, image_folder))
    # Its features are in memory from the run before: the lock must hold for those, too.
    execute(make_spec("zero_shot", image_folder, random_clip), shared)
    spec = make_spec("peek", image_folder, random_clip, reach=reach)
    with pytest.raises(PermissionError, match="of domain 'domain1' is held out"):
        execute(spec, shared)
    assert not Store(tmp_path).has(spec.id)


def test_disjoint_groups_need_groups(image_folder: Path, random_clip: Path, tmp_path: Path) -> None:
    protocol = DomainShift(disjoint_groups=True)
    spec = make_spec("zero_shot", image_folder, random_clip, protocol=protocol)
    with pytest.raises(UserError, match="names no groups"):
        execute(spec, Shared(make_context(tmp_path, image_folder)))


def test_data_that_changed_since_planning_are_refused(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("zero_shot", image_folder, random_clip)
    changed = spec.model_copy(update={"dataset": DatasetSpec(name="folder", fingerprint="0" * 16)})
    with pytest.raises(UserError, match=r"changed since the run was planned .*plan again"):
        execute(changed, Shared(make_context(tmp_path, image_folder)))
