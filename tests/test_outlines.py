"""Plugins read without running their files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness import outlines, registry, resources
from harness.cli.main import main

OWED = ("name", "summary", "citation", "Config")
PLUGIN = '''
from harness.method import Method, MethodConfig

class Config(MethodConfig):
    """Settings."""

class Base(Method[Config]):
    """No name: no plugin, but others'."""
    Config = Config
    citation = "somebody"

class Mine(Base):
    """A method."""
    name = "mine"
    summary = "what it does"
'''


@pytest.mark.parametrize("kind", ["methods", "datasets"])
def test_of_every_plugin_that_comes_with_the_harness_it_is_what_running_tells(
    kind: registry.PluginKind,
) -> None:
    for file in sorted(resources.shipped(kind).glob("[a-z]*.py")):
        classes = registry._classes_in(file, kind)
        want = [outlines.Outline(cls.name, cls.summary) for cls in classes]  # type: ignore[attr-defined]
        assert outlines.outlines(file, registry._OWED[kind]) == want


def test_list_runs_no_plugin_and_prints_the_same_as_if_it_did(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_found", {})
    script = (
        "import sys; from harness.cli.main import main; main(['list']);"
        "assert not {'torch', 'numpy', 'open_clip'} & set(sys.modules)"
    )
    read = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    monkeypatch.setattr(registry, "outlines", lambda file, owed: None)
    assert main(["list"]) == 0
    assert capsys.readouterr().out == read.stdout


def test_a_file_of_ones_own_is_run_and_one_that_breaks_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    file = tmp_path / "own.py"
    file.write_text(PLUGIN + "\nno_such_thing\n")
    assert main(["list", "--plugin", str(file)]) == 0
    printed = capsys.readouterr().out
    assert f"not loaded: {file}: NameError" in printed
    assert "mine" not in printed


def test_a_base_without_a_name_gives_what_it_has(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(PLUGIN)
    assert outlines.outlines(file, OWED) == [outlines.Outline("mine", "what it does")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"mine"', '"mi" + "ne"'),
        ('    summary = "what it does"\n', ""),
        ('    citation = "somebody"\n', ""),
        ("class Mine", "@decorated\nclass Mine"),
        ("class Mine(Base)", "class Mine(Other)"),
        ("class Config", "import no_such_package\nclass Config"),
        ("class Config", "for i in range(3): pass\nclass Config"),
        ("class Config", "class Config("),
    ],
)
def test_what_only_running_can_tell_is_not_guessed(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "own.py"
    file.write_text(PLUGIN.replace(old, new))
    assert outlines.outlines(file, OWED) is None
