"""The lock that lets one submit at a time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from harness import resources
from harness.execution.slurm.ledger import Ledger

HOLD = """
import sys, time
from pathlib import Path
from harness.execution.slurm.ledger import Ledger
log = Path(sys.argv[2])
for _ in range(20):
    with Ledger(Path(sys.argv[1])).lock(lambda text: None):
        with log.open("a") as f: f.write("in\\n")
        time.sleep(0.002)
        with log.open("a") as f: f.write("out\\n")
"""


def test_one_holder_of_the_lock_at_a_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", HOLD, str(tmp_path), str(log)]
    processes = [subprocess.Popen(command, cwd=resources.ROOT) for _ in range(3)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    assert log.read_text().split() == ["in", "out"] * 60
    assert not Ledger(tmp_path).submitting()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.root.mkdir()
    (ledger.root / "lock").write_text("elsewhere pid 1 abc")
    said: list[str] = []
    began = time.monotonic()
    with ledger.lock(said.append, stale=1.0):
        assert time.monotonic() - began > 1.0
    assert "elsewhere pid 1 is submitting" in said[0]
    assert not ledger.submitting()
