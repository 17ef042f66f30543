"""What scripts and people rely on in every verb: `-q`, `-v`, `--json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.cli.main import main

BREAKS = '''\
"""A method whose training fails."""

from harness.method import TrainConfig
from harness.training.text_head import TextHeadMethod


class Breaks(TextHeadMethod[TrainConfig]):
    """It has no loss."""

    name, summary, citation = "breaks", "breaks", "none"
    Config = TrainConfig

    def losses(self, batch):
        raise RuntimeError("no loss today")
'''


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a method whose training fails."""
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    file = tmp_path / "breaks.py"
    file.write_text(BREAKS)
    return file


def test_quiet_says_only_the_result(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["run", "zero_shot", "--target", "noto", "--store", str(tmp_path), "--workers", "1"]
    assert main([*words, "-q"]) == 0
    assert capfd.readouterr() == ("", "")
    assert main(words) == 0
    assert "were done before" in capfd.readouterr().err
    assert main(["report", "--store", str(tmp_path), "-q"]) == 0
    printed = capfd.readouterr()
    assert "noto" in printed.out
    assert printed.err == ""


def test_what_went_wrong_is_said_quietly_or_with_its_traceback(
    broken: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "store")
    words = ["run", "breaks", "--plugin", str(broken), "--target", "noto", "--store", store,
             "--workers", "1"]  # fmt: skip
    assert main([*words, "-q"]) == 1
    quiet = capfd.readouterr().err
    assert "no loss today" in quiet
    assert "Traceback" not in quiet
    assert main([*words, "-v"]) == 1
    assert "Traceback (most recent call last)" in capfd.readouterr().err
    assert main(["run", "no_such_method", "-v"]) == 2
    *trace, last = capfd.readouterr().err.splitlines()
    assert last.startswith("error: unknown method 'no_such_method'")
    assert trace[0].startswith("Traceback")


def said_as_json(words: list[str], capsys: pytest.CaptureFixture[str], status: int = 0) -> Any:
    assert main([*words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_json_of_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    found = said_as_json(["list"], capsys)
    assert "Beta moving average" in found["methods"]["clipood"]
    assert {"emoji", "PACS"} <= set(found["datasets"])
    assert "quickstart" in found["sweeps"]
    assert found["not_loaded"] == []
    checks = said_as_json(["doctor"], capsys)
    assert {check["check"] for check in checks if check["ok"]} >= {"torch", "embedded model"}


def test_json_of_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(
        "name: two\ndescription: two\ndataset: emoji\ntargets: [noto]\nmodel: tiny-emoji\n"
        "seeds: [0, 1]\nmethods: [zero_shot]\n"
    )
    words = ["sweep", "plan", str(file), "--store", str(tmp_path / "store")]
    runs = said_as_json(words, capsys)
    assert [(run["seed"], run["state"], run["seconds"]) for run in runs] == [
        (0, "missing", None),
        (1, "missing", None),
    ]
    assert main(["sweep", "run", *words[2:], "--limit", "1", "-q", "--workers", "1"]) == 0
    capsys.readouterr()
    first, second = said_as_json(words, capsys)
    assert (first["state"], second["state"]) == ("done", "missing")
    assert second["seconds"] > 0


def test_json_of_an_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.tar.gz"
    bad.write_bytes(b"no archive")
    (found,) = said_as_json(["leaderboard", "verify", str(bad)], capsys, status=1)
    assert found["file"] == str(bad)
    assert not found["ok"]
    assert found["said"]
