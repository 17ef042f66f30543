"""Faults that whole runs show."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.check import engine
from harness.check.bench import Bench, Subject
from tests.check.broken import Fault, build, fails_its_check_and_no_other, losses, plugin, suite

FAULTS: dict[str, Fault] = {
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


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_check_and_no_other(
    fault: str, bench: Bench, tmp_path: Path, image_folder: Path
) -> None:
    fails_its_check_and_no_other(FAULTS[fault], bench, tmp_path, image_folder)


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


def test_methods_of_one_name_tried_one_after_the_other_share_no_store(bench: Bench) -> None:
    cls = registry.method_class("zero_shot")
    stores = [engine._store(Subject(cls, bench), "whole") for _ in range(9)]
    assert len(set(stores)) == 9
