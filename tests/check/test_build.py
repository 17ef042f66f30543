"""Faults in what a method builds and in its losses."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.check.bench import Bench
from tests.check.broken import Fault, build, fails_its_check_and_no_other, losses

FAULTS: dict[str, Fault] = {
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
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_check_and_no_other(
    fault: str, bench: Bench, tmp_path: Path, image_folder: Path
) -> None:
    fails_its_check_and_no_other(FAULTS[fault], bench, tmp_path, image_folder)
