"""`run` plans in the process that is its first worker: what the caller sees is as without it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import resources
from harness.cli.main import main
from harness.cli.run import planned
from harness.cli.running import carry_out
from harness.store.store import Store
from tests.engine import wait_for

CALL = ["run", "clipood[steps=3,batch_per_domain=2]"]


def started(*words: str, python: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *python, "run_benchmark.py", *words],
        cwd=resources.ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # Tests started in a shell's background inherit an ignored SIGINT, and so would the command.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_the_process_that_watches_imports_no_torch(where: list[str], tmp_path: Path) -> None:
    process = started(*CALL, *where, "--workers", "1", python=("-X", "importtime"))
    _, said = process.communicate()
    assert process.returncode == 0
    imported = [line.rpartition("|")[2].strip() for line in said.splitlines() if "|" in line]
    assert "harness.cli.apart" in imported
    assert not {"torch", "pandas", "open_clip"} & set(imported)
    (record,) = Store(tmp_path / "store").records()
    assert record.provenance.command == ["run_benchmark.py", *CALL, *where, "--workers", "1"]


def test_records_are_as_of_one_process(where: list[str], tmp_path: Path) -> None:
    from harness.cli.main import parsed

    assert main([*CALL, *where]) == 0
    (apart,) = Store(tmp_path / "store").records()
    one = planned(parsed([*CALL, *where, "--store", str(tmp_path / "one")]))
    assert one is not None
    assert carry_out(one) == 0
    (together,) = Store(tmp_path / "one").records()
    assert together.metrics == apart.metrics
    assert together.predictions_sha256 == apart.predictions_sha256


def test_the_plan_is_one_process_with_the_first_worker(
    where: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*CALL, *where, "--seeds", "0-2", "--workers", "2"]) == 0
    assert "3 runs on 2 worker(s)" in capfd.readouterr().err
    assert main([*CALL, *where, "--seeds", "0-2"]) == 0  # nothing to do: it ends, too
    assert "3 were done before" in capfd.readouterr().err


def test_a_mistake_is_one_line_and_with_v_its_traceback(
    where: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*CALL, *where, "--seeds", "x"]) == 2
    assert capfd.readouterr().err == "error: --seeds x: write 0,1,2 or 0-2\n"
    assert main([*CALL, *where, "--seeds", "x", "-v"]) == 2
    assert "in parse_seeds" in capfd.readouterr().err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_it_plans_leaves_no_process(
    where: list[str], tmp_path: Path, how: signal.Signals
) -> None:
    pid = tmp_path / "pid"
    slow = tmp_path / "slow.py"
    slow.write_text(
        f"import os, time, pathlib\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(3)\n"
    )
    process = started(*CALL, *where, "--plugin", str(slow))
    wait_for(lambda: pid.is_file() and pid.read_text(), process)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGTERM)
    assert "Traceback" not in said

    def gone() -> bool:
        time.sleep(0.1)
        return not _alive(int(pid.read_text()))

    wait_for(gone)
    assert not list(Store(tmp_path / "store").records())


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z" and os.path.exists(f"/proc/{pid}")


def test_a_plan_that_breaks_is_a_bug_of_ours_with_its_traceback(
    where: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import os\nos._exit(7)\n")
    with pytest.raises(RuntimeError, match=r"planning: .*exit status 7"):
        main([*CALL, *where, "--plugin", str(broken)])
