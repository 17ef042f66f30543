"""`new-method`: what it writes and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry, resources
from harness.cli.main import main


@pytest.fixture(autouse=True)
def _registry_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})


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
