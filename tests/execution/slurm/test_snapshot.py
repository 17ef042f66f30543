"""The copy of the code that jobs run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness import resources
from harness.execution.slurm import snapshot


def test_a_snapshot_is_the_code_and_changes_with_it(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("a = 1\n")
    code, (copy,) = snapshot.take(tmp_path / "s", [str(plugin)])
    assert Path(copy).read_text() == "a = 1\n"
    for name in ("harness/cli/main.py", "methods/coop.py", "datasets/emoji.py", "run_benchmark.py"):
        assert (code / name).read_bytes() == (resources.ROOT / name).read_bytes()
    assert snapshot.take(tmp_path / "s", [str(plugin)])[0] == code
    plugin.write_text("a = 2\n")
    assert snapshot.take(tmp_path / "s", [str(plugin)])[0] != code
    assert Path(copy).read_text() == "a = 1\n"
    done = subprocess.run(
        [sys.executable, "-c", "from harness import resources\n"
         "from harness.store.provenance import git_state\n"
         "print(resources.ROOT); print(git_state())"],
        env={"PYTHONPATH": str(code), "PATH": "", "PYTHONSAFEPATH": "1"},
        cwd=resources.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    root, git = done.stdout.split("\n")[:2]
    assert root == str(code)
    from harness.store.provenance import git_state

    assert git == git_state()  # though there is no git here
