"""`info` of methods, data sets and models."""

from __future__ import annotations

import pytest

from harness import registry
from harness.cli.main import main
from harness.sweep.calls import print_value
from harness.sweep.tuning import TuneSpec
from harness.tune.space import draw


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


def test_info_shows_what_a_search_draws_and_tries(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cls = registry.method_class("finetune")
    assert main(["info", "finetune"]) == 0
    printed = capsys.readouterr().out
    space = TuneSpec().space_of("finetune", {})
    first = draw(space, 0, "finetune", 1)
    assert "log_uniform [5e-07, 5e-05]" in printed
    assert all(print_value(value) in printed for value in first.values())
    assert "as a grid" not in printed
    integers = {"integer": [1, 9], "log": True}
    monkeypatch.setattr(cls, "search_space", {"batch_per_domain": integers})
    assert main(["info", "finetune"]) == 0
    assert "integer [1, 9], log" in capsys.readouterr().out
    monkeypatch.setattr(
        cls, "search_space", {"lr": {"choice": [0.5, 0.1]}, "flip": {"choice": [True]}}
    )
    assert main(["info", "finetune"]) == 0
    printed = capsys.readouterr().out
    assert "as a grid 3 trials: its own values, [lr=0.5, flip=true]; [lr=0.1, flip=true]" in printed
    assert main(["info", "zero_shot"]) == 0
    assert "search space: none" in capsys.readouterr().out
