"""Faults in steps, in what is kept and in what others share."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.check.bench import Bench
from tests.check.broken import Fault, build, fails_its_check_and_no_other, losses

FAULTS: dict[str, Fault] = {
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
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_check_and_no_other(
    fault: str, bench: Bench, tmp_path: Path, image_folder: Path
) -> None:
    fails_its_check_and_no_other(FAULTS[fault], bench, tmp_path, image_folder)
