"""new-method and check: what they write, print and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import registry, resources
from harness.check.bench import Bench
from harness.check.method import METHOD_CHECKS
from harness.cli.main import main
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec


@pytest.fixture(autouse=True)
def _registry_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})


@pytest.fixture
def small(image_folder: Path, random_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `check` try plugins on a random tiny CLIP."""
    bench = Bench(
        ModelSpec(name=f"local-dir:{random_clip}"),
        DatasetSpec(name="folder"),
        image_folder,
        DomainShift(test_on="out"),
    )
    monkeypatch.setattr("harness.check.bench.Bench", lambda: bench)


@pytest.mark.usefixtures("small")
def test_a_new_method_passes_check_as_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-method", "my_thing", "--dir", str(tmp_path / "mine")]) == 0
    file = tmp_path / "mine" / "my_thing.py"
    said = capsys.readouterr().out
    assert f"check {file}" in said
    assert f"--plugin {file}" in said
    assert main(["check", str(file)]) == 0  # with whole runs, one in a worker: it trains
    said = capsys.readouterr().out
    assert "FAIL" not in said
    assert "warn" not in said
    assert "ok    worker" in said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My-Method", "a name is lower-case letters"),
        ("class", "no Python keyword"),
        ("../up", "a name is lower-case letters"),
        ("clipood", "taken by"),
        ("emoji", "taken by"),
        ("there", "exists; choose another name"),
    ],
)
def test_new_method_refuses(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there.py").write_text("mine\n")
    assert main(["new-method", name, "--dir", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert message in said
    assert [path.name for path in tmp_path.iterdir()] == ["there.py"]
    assert (tmp_path / "there.py").read_text() == "mine\n"


def test_without_a_folder_it_is_written_where_it_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-method", "my_thing"]) == 0
    file = tmp_path / "methods" / "my_thing.py"
    said = capsys.readouterr().out
    assert "check methods/my_thing.py" in said
    assert "--plugin" not in said
    assert main(["info", "my_thing"]) == 0
    assert f"file: {file}" in capsys.readouterr().out
    assert registry.plugin_files() == [str(file)]  # a worker is handed it


def test_in_the_checkout_it_is_written_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "methods").mkdir()
    for name in ("CODE", "ROOT"):
        monkeypatch.setattr(resources, name, tmp_path)
    monkeypatch.chdir(tmp_path / "docs")
    assert main(["new-method", "my_thing"]) == 0
    assert (tmp_path / "methods" / "my_thing.py").is_file()
    monkeypatch.setattr(registry, "_found", {})
    assert registry.method_class("my_thing").__name__ == "MyThing"


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
