"""torchvision imports whatever torch it was built for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from harness.clip.compat import ensure_torchvision
assert "torchvision" not in sys.modules
ensure_torchvision()
ensure_torchvision()
import torchvision.transforms.functional, torchvision.ops.misc
ensure_torchvision()
print(torchvision.__version__)
"""


def test_torchvision_imports_in_a_fresh_interpreter() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_package_import_is_light() -> None:
    script = "import sys, harness.clip; assert 'torch' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=True, timeout=60
    )
