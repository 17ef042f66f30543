"""`check`: what it prints, for people and for scripts, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import registry, resources
from harness.check.method import METHOD_CHECKS
from harness.cli.main import main


@pytest.fixture(autouse=True)
def _registry_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})


@pytest.mark.usefixtures("small")
def test_json_is_for_scripts_whatever_a_plugin_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "loud.py"
    file.write_text(
        "print('hello')\n"
        "from harness import registry\n"
        "class Loud(registry.method_class('zero_shot')):\n"
        "    name = 'loud'\n"
        "    summary = ''\n"
        "    def logits(self, features, class_names):\n"
        "        print('here')\n"
        "        raise RuntimeError('two\\nlines')\n"
    )
    assert main(["check", str(file), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    by_name = {result["check"]: result for result in found["results"]}
    assert [c for c, r in by_name.items() if r["status"] == "FAIL"] == ["described", "logits"]
    assert by_name["described"]["expected"] == "1 to 60 characters on one line"
    assert by_name["logits"]["message"] == "RuntimeError: two"
    assert by_name["logits"]["where"] == "loud.py:8"
    assert by_name["classes"]["message"] == "fix 'logits' first"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (\n", "SyntaxError"),
        ("import no_such_module\n", "no_such_module' (bad.py:1)"),
        (
            "import sys\nsys.exit(4)\n",
            "calls sys.exit(4) when it is loaded; remove that (bad.py:2)",
        ),
        ("x = 1\n", "define a class derived from harness.method.Method"),
    ],
)
def test_a_file_without_a_plugin(
    text: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "bad.py"
    file.write_text(text)
    assert main(["check", str(file)]) == 1
    said = capsys.readouterr().out
    assert "FAIL  found" in said
    assert message in said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clipod", "unknown method or data set 'clipod': did you mean clipood"),
        ("gone.py", "check gone.py: no such file"),
    ],
)
def test_an_unknown_plugin(name: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", name]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_a_file_of_the_repository_is_the_plugin_of_that_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.check.method.METHOD_CHECKS", METHOD_CHECKS[:4])
    assert main(["check", str(resources.ROOT / "methods" / "clipood.py"), "folder"]) == 1
    said = capsys.readouterr().out
    assert "needs --data-root DIR" in said  # of folder; clipood is well
    assert said.count("FAIL") == 1
