"""Peak memory, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness import resources
from harness.clip.backbone import Backbone
from harness.cost.memory import peak_in_fresh_process
from harness.cost.record import Candidate
from tests.cost.tiny import setting


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system cannot tell")
def test_peak_memory_is_the_process_own_and_can_be_reset() -> None:
    code = (
        "from harness.store import provenance as p\n"
        "first = p.peak_memory_mb('cpu')\n"
        "block = bytearray(80 * 2**20)\n"
        "high = p.peak_memory_mb('cpu')\n"
        "del block\n"
        "p.reset_peak_memory('cpu')\n"
        "print(first, high, p.peak_memory_mb('cpu'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=resources.ROOT,
    )
    first, high, last = map(float, done.stdout.split())
    assert first < 150  # this process, with torch, has more
    assert first + 75 < high < first + 90
    assert last < first + 10


def test_a_process_that_fails_says_why(backbone: Backbone) -> None:
    unknown = Candidate(label="x", method="no_method", config={})
    with pytest.raises(RuntimeError, match=r"memory of x: exit status 1\n(.|\n)*no_method"):
        peak_in_fresh_process(unknown, setting(backbone))
