"""Faults in what a method says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.check.bench import Bench
from tests.check.broken import Fault, fails_its_check_and_no_other

FAULTS: dict[str, Fault] = {
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
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_check_and_no_other(
    fault: str, bench: Bench, tmp_path: Path, image_folder: Path
) -> None:
    fails_its_check_and_no_other(FAULTS[fault], bench, tmp_path, image_folder)
