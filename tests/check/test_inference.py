"""Faults in features and logits."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.check.bench import Bench
from harness.check.method import check_method
from tests.check.broken import (
    WHOLE_RUNS,
    Fault,
    fails_its_check_and_no_other,
    losses,
    plugin,
    suite,
)

FAULTS: dict[str, Fault] = {
    "length": (
        "features",
        "    def image_features(self, images): return 2 * self.backbone.image_features(images)\n",
        "", "normalise in image_features()",
    ),
    "half": (
        "features",
        "    def image_features(self, images): return super().image_features(images).half()\n",
        "", "float32 from image_features()",
    ),
    "batch statistics": (
        "batch",
        "    def image_features(self, images):\n"
        "        f = self.backbone.image_features(images)\n"
        "        return F.normalize(f + f.mean(0), dim=-1)\n",
        "", "from its image alone",
    ),
    "training classes only": (
        "logits",
        "    def logits(self, features, class_names):\n"
        "        return features @ self.text.T\n",
        "", "a column for each of the class names",
    ),
    "known classes only": (
        "logits",
        "    def logits(self, features, class_names):\n"
        "        rows = [self.task.class_names.index(n) for n in class_names]\n"
        "        return features @ self.text[rows].T\n",
        "", "unseen ones included",
    ),
    "remembers classes": (
        "classes",
        "    shift = 0.0\n"
        "    def image_features(self, images):\n"
        "        f = self.backbone.image_features(images)\n"
        "        return F.normalize(f + self.shift, dim=-1)\n"
        "    def logits(self, features, class_names):\n"
        "        self.shift = 0.1 * ('yellow_cat' in class_names)\n"
        "        return super().logits(features, class_names)\n",
        "", "class names out of image_features()",
    ),
    "softmax": (
        "neighbours",
        "    def logits(self, features, class_names):\n"
        "        return super().logits(features, class_names).softmax(-1)\n",
        "", "without a softmax",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_check_and_no_other(
    fault: str, bench: Bench, tmp_path: Path, image_folder: Path
) -> None:
    fails_its_check_and_no_other(FAULTS[fault], bench, tmp_path, image_folder)


PLANTED = {
    "logits use the batch": (
        "alone",
        "    def logits(self, features, class_names):\n"
        "        centred = features - features.mean(dim=0)\n"
        "        return super().logits(centred, class_names)\n",
    ),
    "logits learn from test images": (
        "alone",
        "    def logits(self, features, class_names):\n"
        "        with torch.no_grad():\n"
        "            for p in self.backbone.visual.parameters():\n"
        "                p.mul_(1.001)\n"
        "        self.seen = getattr(self, 'seen', 0.0) + 1.0\n"
        "        return super().logits(features, class_names) + self.seen\n",
    ),
    "columns in another order": (
        "columns",
        "    def logits(self, features, class_names):\n"
        "        return super().logits(features, tuple(sorted(class_names)))\n",
    ),
    "sign flipped": (
        "learns",
        losses("return {'classification': -loss}"),
    ),
    "a part that drives the rest away": (
        "learns",
        losses("return {'classification': loss, 'mine': -3 * loss}"),
    ),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_what_must_not_stand_in_a_table_fails(
    mistake: str, tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    check, fault = PLANTED[mistake]
    plugin(tmp_path, fault)
    results = suite(bench, WHOLE_RUNS)
    assert results[check].status == "FAIL", results[check]
    assert results[check].message


def test_a_closed_set_that_says_so_is_checked_as_such(bench: Bench) -> None:
    cls = registry.method_class("wise_ft")
    given = {"train_head": True}
    results = list(check_method(cls, bench, given, WHOLE_RUNS))
    assert [r for r in results if r.status == "FAIL"] == []
    assert {"columns", "alone", "classes", "learns"} <= {
        r.check for r in results if r.status == "ok"
    }
