"""All checks of a method: a sound plugin passes them, and each can fail."""

from __future__ import annotations

from pathlib import Path

from harness.check.bench import Bench
from harness.check.method import METHOD_CHECKS
from tests.check import (
    test_build,
    test_describe,
    test_engine,
    test_inference,
    test_planted,
    test_training,
)
from tests.check.broken import plugin, suite

FAULTS = [
    module.FAULTS
    for module in (test_build, test_describe, test_engine, test_inference, test_training)
]


def test_the_sound_plugin_passes_every_check(bench: Bench, tmp_path: Path) -> None:
    plugin(tmp_path, "")
    found = suite(bench, frozenset())
    assert {r.check for r in found.values() if r.status not in ("ok", "skip")} == set()
    assert {r.check for r in found.values() if r.status == "skip"} == {"presets", "mean", "state"}
    assert list(found) == [check.name for check in METHOD_CHECKS]


def test_every_check_has_a_plugin_that_fails_it() -> None:
    planted = {check for check, _ in test_planted.PLANTED.values()}
    faults = {check for own in FAULTS for check, *_ in own.values()}
    assert faults | planted | {"worker"} == {c.name for c in METHOD_CHECKS}
