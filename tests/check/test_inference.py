"""Faults in features and logits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness import registry
from harness.check.bench import Bench
from harness.check.method import check_method
from tests.check.broken import WHOLE_RUNS, Fault, fails_its_check_and_no_other, plugin, suite

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


def test_a_closed_set_that_says_so_is_checked_as_such(bench: Bench) -> None:
    cls = registry.method_class("wise_ft")
    given = {"train_head": True}
    results = list(check_method(cls, bench, given, WHOLE_RUNS))
    assert [r for r in results if r.status == "FAIL"] == []
    assert {"columns", "alone", "classes", "learns"} <= {
        r.check for r in results if r.status == "ok"
    }


def test_a_method_that_does_not_train_must_not_let_features_hang_on_the_task(
    bench: Bench, tmp_path: Path
) -> None:
    untrained = (
        "    trains = False\n"
        "    def build(self, backbone, task):\n"
        "        super().build(backbone, task)\n"
        "        torch.manual_seed({seed})\n"
        "        self.shift = torch.randn(backbone.embed_dim)\n"
        "        return {{}}\n"
        "    def image_features(self, images):\n"
        "        return F.normalize(super().image_features(images) + self.shift, dim=-1)\n"
    )
    for seed, status in (("0", "ok"), ("task.seed", "FAIL")):
        registry._found.clear()
        plugin(tmp_path, untrained.format(seed=seed))
        for name in [name for name in sys.modules if name.startswith("_plugin_broken_")]:
            del sys.modules[name]
        assert suite(bench, WHOLE_RUNS)["task"].status == status
