"""A plugin with one fault fails one check, and the finding names what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.check.bench import Bench
from harness.check.method import METHOD_CHECKS, check_method
from harness.check.result import Result

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


# The check that must fail, what is put into the class and into the configuration, and a part of the
# finding: what it names.
FAULTS: dict[str, tuple[str, str, str, str]] = {
    "summary": ("described", '    summary = "two\\nlines"\n', "", "write `summary` as one short"),
    "source": ("described", '    citation = "by me"\n', "", "name in `citation` where"),
    "no recipe": (
        "config", "    class Config(MethodConfig):\n        '''None.'''\n", "", "trains = False",
    ),
    "lossy": (
        "config", "", '    bound: float = float("inf")\n    """Upper."""\n', "field 'bound'",
    ),
    "no default": ("config", "", '    rank: int\n    """Of it."""\n', "field 'rank'"),
    "lax": ("config", "", '    model_config = {"extra": "allow"}\n', "extra='forbid'"),
    "undocumented": ("documented", "", "    rank: int = 4\n", "below field 'rank'"),
    "preset name": ("presets", '    presets = {"a": {"wieght": 1}}\n', "", "no parameter 'wieght'"),
    "preset value": ("presets", '    presets = {"a": {"weight": -1}}\n', "", "'a': 'weight'"),
    "a list": ("build", build("return list(made.values())"), "", "from build() what trains"),
    "tensors": (
        "build", build("return {n: p.detach() for n, p in made.items()}"), "", "'class_embedding'",
    ),
    "nothing": ("build", build("return {}"), "", "set trains = False"),
    "thawed": ("build", "    frozen_image_tower = True\n", "", "frozen_image_tower = False"),
    "no average": ("averager", '    own_selection = "averaged"\n', "", "averager()"),
    "vector": (
        "losses", losses("return {'each': loss.expand(6)}"), "", "loss term 'each' a scalar",
    ),
    "nan": ("losses", losses("return {'log': loss * float('nan')}"), "", "'log' finite"),
    "detached": ("losses", losses("return {'a': loss.detach()}"), "", ".detach()"),
    "raises": ("losses", losses("return {'a': loss / (1 // 0)}"), "", "ZeroDivisionError"),
    "dropout": (
        "deterministic", losses("return {'a': F.dropout(loss[None] * 9, 0.5).sum()}"), "",
        "task.seed, batch.step",
    ),
    "python's random": (
        "deterministic",
        build("self.noise = random.random(); return made")
        + losses("return {'a': loss * self.noise}"),
        "", "'a' from harness.seeding.generator",
    ),
    "unused": (
        "gradient",
        build("self.spare = torch.nn.Parameter(torch.ones(2))")
        + "        return {**made, 'spare': self.spare}\n",
        "", "use 'spare' in losses()",
    ),
    "forgotten": (
        "gradient",
        build("self.head = torch.nn.Linear(1, 1); torch.nn.init.ones_(self.head.weight)")
        + "        torch.nn.init.ones_(self.head.bias); return made\n"
        + losses("return {'a': self.head(loss[None]).sum()}"),
        "", "return 'head.weight' from build()",
    ),
    "stands still": (
        "steps",
        build("self.start = {n: p.detach().clone() for n, p in made.items()}")
        + "        self.made = made; return made\n"
        + "    def after_step(self, step):\n"
        + "        for n, p in self.made.items(): p.data.copy_(self.start[n])\n",
        "", "after_step",
    ),
    "moves on the side": (
        "frozen",
        build("return {n: p for n, p in made.items() if n != 'proj'}")
        + "    def after_step(self, step):\n        self.backbone.visual.proj.data.mul_(0.9)\n",
        "", "leave 'visual.proj' as it is",
    ),
    "uphill": ("learns", losses("return {'a': 2 * loss.detach() - loss}"), "", "sign"),
    "an object": (
        "state",
        "    def state_dict(self): return {'at': __import__('fractions').Fraction(1)}\n",
        "", "only tensors",
    ),
    "not taken back": (
        "state",
        build("self.n = 0; return made")
        + "    def after_step(self, step): self.n = step\n"
        + "    def state_dict(self): return {'n': self.n}\n",
        "", "take back 'n' in load_state_dict()",
    ),
    "trains the text": (
        "shared",
        build("p = backbone.model.text_projection")
        + "        self.clean = torch.eye(p.shape[1]); return {**made, 'text': p}\n"
        + losses("return {'a': loss + 0 * loss + self.backbone.model.text_projection"
                 ".square().sum()}"),
        "", "train a copy of 'text_projection'",
    ),
    "writes to the text": (
        "shared",
        build("self.backbone.model.text_projection.data.mul_(1.01); return made"),
        "", "do not change 'text_projection' in place",
    ),
    "writes to the features": (
        "shared", build("self.text.mul_(-1); return made"), "", "clone it",
    ),
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
    "peeks": (
        "target",
        build("from harness.sweep.plan import open_dataset; from harness.specs import DatasetSpec")
        + "        d = open_dataset(DatasetSpec(name='folder'), ROOT)\n"
        + "        d.read(d.samples('domain0')[0]); return made\n",
        "", "read no other image",
    ),
    "hunts": (
        "target",
        losses("import gc; from harness.data.bank import ImageBank")
        + "        for bank in gc.get_objects():\n"
        + "            if type(bank) is ImageBank and bank._open:\n"
        + "                bank.test_images(bank.dataset.samples('domain0')[:1])\n"
        + "        return {'a': loss}\n",
        "", "read no other image",
    ),
    "forgets": (
        "resume",
        build("self.momentum = 0.0; return made")
        + "    def after_step(self, step): self.momentum = 0.5 * self.momentum + step\n"
        + losses("return {'a': loss * (1 + 1 / (1 + self.momentum))}"),
        "", "keep in state_dict()",
    ),
    "ends badly": (
        "run",
        "    def averager(self, parameters, steps):\n"
        "        import traceback\n"
        "        if any('training/loop' in f.filename for f in traceback.extract_stack()):\n"
        "            raise RuntimeError('not in the loop')\n",
        "", "RuntimeError: not in the loop",
    ),
}  # fmt: skip


def test_the_sound_plugin_passes_every_check(bench: Bench, tmp_path: Path) -> None:
    plugin(tmp_path, "")
    found = suite(bench, frozenset())
    assert {r.check for r in found.values() if r.status not in ("ok", "skip")} == set()
    assert {r.check for r in found.values() if r.status == "skip"} == {"presets", "state"}
    assert list(found) == [check.name for check in METHOD_CHECKS]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_check_and_no_other(
    fault: str, bench: Bench, tmp_path: Path, image_folder: Path
) -> None:
    check, body, config, named = FAULTS[fault]
    body = body.replace("ROOT", f"__import__('pathlib').Path({str(image_folder)!r})")
    plugin(tmp_path, body, config)
    # A worker, and for faults that no run can feel whole runs, would only cost time.
    unfelt = check in ("described", "documented", "presets", "build", "neighbours")
    found = suite(bench, WHOLE_RUNS if unfelt else frozenset({"worker"}))
    bad = {r.check: r for r in found.values() if r.status in ("FAIL", "warn")}
    # features of the class names that are spoilt in place are others only for that very list
    also = {"columns"} if fault == "writes to the features" else set()
    assert set(bad) == {check, *also}, {r.check: (r.message, r.seen) for r in bad.values()}
    result = bad[check]
    assert result.status == ("warn" if check == "neighbours" else "FAIL")
    assert named in result.message
    assert "\n" not in result.message
    assert result.where or (result.expected and result.seen)


def test_every_check_has_a_plugin_that_fails_it() -> None:
    failing = {check for check, *_ in (*FAULTS.values(), *PLANTED.values())} | {"worker"}
    assert failing == {check.name for check in METHOD_CHECKS}


def test_what_only_works_here_fails_in_the_worker(bench: Bench, tmp_path: Path) -> None:
    plugin(
        tmp_path,
        build("import sys; assert 'pytest' in sys.modules, 'only in my notebook'; return made"),
    )
    found = suite(bench, frozenset({"learns"}))
    assert [r.check for r in found.values() if r.status == "FAIL"] == ["worker"]
    result = found["worker"]
    assert "AssertionError: only in my notebook" in result.seen
    assert "broken.py:" in result.message


def test_an_error_names_the_plugins_line(bench: Bench, tmp_path: Path) -> None:
    path = plugin(tmp_path, losses("return {'a': loss / (1 // 0)}"))
    result = suite(bench)["losses"]
    line = path.read_text().splitlines().index("        return {'a': loss / (1 // 0)}") + 1
    assert result.where == f"broken.py:{line}"
    assert result.message.startswith("ZeroDivisionError")


@pytest.mark.parametrize("hook", ["build", "image_features"])
def test_a_plugin_that_ends_the_process_ends_only_its_check(
    bench: Bench, tmp_path: Path, hook: str
) -> None:
    plugin(tmp_path, f"    def {hook}(self, *args):\n        raise SystemExit(3)\n")
    found = suite(bench)
    first = "build" if hook == "build" else "features"
    assert found[first].status == "FAIL"
    assert "SystemExit" in found[first].message
    assert found["documented"].status == "ok"


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
