"""Methods and settings that are measured in moments."""

from __future__ import annotations

from harness.clip.backbone import Backbone
from harness.cost.record import Candidate, CostSetting
from harness.sweep import plan
from tests.methods import toy

CLASSES, BATCH = 5, 6


def candidate(name: str) -> Candidate:
    choice = plan.resolve_method(name, toy.SMALL.get(name, {}))
    return Candidate(label=name, method=name, config=choice.config)


def setting(backbone: Backbone) -> CostSetting:
    return CostSetting(model=backbone.spec, batch=BATCH, classes=CLASSES)
