"""A plugin that raises or ends the process ends its check, and the finding names its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.check.bench import Bench
from tests.check.broken import losses, plugin, suite


def test_an_error_names_the_plugins_line(bench: Bench, tmp_path: Path) -> None:
    path = plugin(tmp_path, losses("return {'a': loss / (1 // 0)}"))
    result = suite(bench)["losses"]
    line = path.read_text().splitlines().index("        return {'a': loss / (1 // 0)}") + 1
    assert result.where == f"broken.py:{line}"
    assert result.message.startswith("ZeroDivisionError")


@pytest.mark.parametrize("hook", ["build", "image_features"])
def test_a_plugin_that_ends_the_process_ends_only_its_check(
    bench: Bench, tmp_path: Path, hook: str
) -> None:
    plugin(tmp_path, f"    def {hook}(self, *args):\n        raise SystemExit(3)\n")
    found = suite(bench)
    first = "build" if hook == "build" else "features"
    assert found[first].status == "FAIL"
    assert "SystemExit" in found[first].message
    assert found["documented"].status == "ok"
