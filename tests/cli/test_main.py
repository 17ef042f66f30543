"""The parser of all verbs."""

from __future__ import annotations

import pytest

from harness.cli.main import build_parser


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("list", "info", "run", "sweep", "report", "cost", "doctor", "quickstart"):
        with pytest.raises(SystemExit) as caught:
            build_parser().parse_args([verb, "--help"])
        assert caught.value.code == 0
        assert "usage: run_benchmark.py" in capsys.readouterr().out
