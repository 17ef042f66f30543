"""A method on random images."""

from __future__ import annotations

import pytest
import torch

from harness.clip.backbone import Backbone
from harness.cost.record import Candidate
from harness.cost.subject import DOMAINS, Subject
from harness.sweep import plan
from tests.cost.tiny import BATCH, CLASSES, candidate, setting


def test_a_short_run_can_be_measured_as_well_as_a_long_one(backbone: Backbone) -> None:
    choice = plan.resolve_method("clipood", {"steps": 1})
    short = Candidate(label="c", method="clipood", config=choice.config)
    subject = Subject(short, setting(backbone), backbone)
    for _ in range(3):
        subject.step()  # the average takes no step beyond the run's last


def test_the_batch_is_shared_by_all_domains_and_of_features_for_a_frozen_tower(
    backbone: Backbone,
) -> None:
    whole, frozen = (
        Subject(candidate(name), setting(backbone), backbone) for name in ("finetune", "coop")
    )
    for subject in (whole, frozen):
        assert subject.batch.domains.bincount().tolist() == [BATCH // len(DOMAINS)] * len(DOMAINS)
        assert int(subject.batch.labels.max()) < CLASSES
    assert whole.batch.images is not None
    assert whole.batch.images.shape[0] == BATCH
    assert (frozen.batch.images, whole.batch.features) == (None, None)
    assert frozen.batch.features is not None
    assert torch.allclose(frozen.batch.features.norm(dim=-1), torch.ones(BATCH))


def test_it_classifies_over_the_classes_of_the_setting(backbone: Backbone) -> None:
    subject = Subject(candidate("zero_shot"), setting(backbone), backbone)
    assert subject.classify(subject.images).shape == (BATCH, CLASSES)


def test_work_is_timed_until_the_time_is_spent(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = Subject(candidate("zero_shot"), setting(backbone), backbone)
    assert len(subject.milliseconds(lambda: None)) == 20  # quick work: at most so often
    monkeypatch.setattr("harness.cost.subject.BLOCK_SECONDS", 0.0)
    assert subject.milliseconds(lambda: None) == []
