"""`info` of methods, data sets and models."""

from __future__ import annotations

import pytest

from harness.cli.main import main


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alignclip", ["Machine Learning 114:58", "alignment_weight", "10.0", "preset=paper"]),
        ("emoji", ["openmoji_line", "musical instrument", "512"]),
        ("folder", ["--data-root DIR"]),
        ("tiny-emoji", ["48"]),
        ("ViT-B-16", ["224"]),
    ],
)
def test_info(name: str, expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", name]) == 0
    printed = capsys.readouterr().out
    for text in expected:
        assert text in printed


def test_info_of_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "alingclip"]) == 2
    assert "did you mean alignclip" in capsys.readouterr().err
