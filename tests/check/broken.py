"""A sound method plugin, ways to break it, and what the checks say of it."""

from __future__ import annotations

from pathlib import Path

from harness import registry
from harness.check.bench import Bench
from harness.check.method import check_method
from harness.check.result import Result

Fault = tuple[str, str, str, str]
"""The check that must fail, what is put into the class and into the configuration, and a part of
the finding: what it names."""
SOUND = '''
import random
import torch
import torch.nn.functional as F
from pydantic import Field
from harness.method import MethodConfig, TrainConfig
from harness.training.losses import cosine_logits, smoothed_cross_entropy
from harness.training.text_head import TextHeadMethod, images_of


class Config(TrainConfig):
    """Settings."""

    weight: float = Field(1.0, ge=0)
    """Of the loss."""
    # CONFIG


class Broken(TextHeadMethod[Config]):
    """Fine-tuning, until a test puts a fault in."""

    name = "broken"
    summary = "a method of the tests"
    citation = "unpublished"
    Config = Config

    def losses(self, batch):
        features = self.image_features(images_of(batch))
        logits = cosine_logits(features, self.text, self.backbone.logit_scale)
        return {"classification": smoothed_cross_entropy(logits, batch.labels)}

    # FAULT
'''
WHOLE_RUNS = frozenset({"target", "run", "resume", "worker"})


def plugin(tmp_path: Path, fault: str, config: str = "") -> Path:
    """Write the sound plugin with a fault in its class body; return its path."""
    text = SOUND.replace("    # FAULT\n", fault).replace("    # CONFIG\n", config)
    path = tmp_path / "broken.py"
    path.write_text(text)
    registry.add_plugin_file(str(path))
    return path


def suite(bench: Bench, leave_out: frozenset[str] = frozenset({"worker"})) -> dict[str, Result]:
    found = registry.discover("methods")
    assert "broken" in found.plugins, found.broken
    results = check_method(found.plugins["broken"], bench, {}, leave_out)
    return {result.check: result for result in results}


def losses(body: str) -> str:
    """Return a losses() that begins with the sound loss and ends as `body` says."""
    return (
        "    def losses(self, batch):\n"
        "        features = self.image_features(images_of(batch))\n"
        "        logits = cosine_logits(features, self.text, self.backbone.logit_scale)\n"
        "        loss = smoothed_cross_entropy(logits, batch.labels)\n"
        f"        {body}\n"
    )


def build(body: str) -> str:
    """Return a build() that begins as the base's and ends as `body` says."""
    return (
        "    def build(self, backbone, task):\n"
        "        made = super().build(backbone, task)\n"
        f"        {body}\n"
    )


def fails_its_check_and_no_other(
    fault: Fault, bench: Bench, tmp_path: Path, image_folder: Path
) -> None:
    check, body, config, named = fault
    body = body.replace("ROOT", f"__import__('pathlib').Path({str(image_folder)!r})")
    plugin(tmp_path, body, config)
    # A worker, and for faults that no run can feel whole runs, would only cost time.
    unfelt = check in ("described", "documented", "presets", "build", "neighbours")
    found = suite(bench, WHOLE_RUNS if unfelt else frozenset({"worker"}))
    bad = {r.check: r for r in found.values() if r.status in ("FAIL", "warn")}
    # features of the class names that are spoilt in place are others for that very list alone
    also = {"columns"} if "self.text.mul_" in body else set()
    assert set(bad) == {check, *also}, {
        r.check: (r.message, r.expected, r.seen) for r in bad.values()
    }
    result = bad[check]
    assert result.status == ("warn" if check == "neighbours" else "FAIL")
    assert named in result.message
    assert "\n" not in result.message
    assert result.where or (result.expected and result.seen)
