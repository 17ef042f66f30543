"""`list`."""

from __future__ import annotations

import pytest

from harness.cli.main import main


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for name in ("zero_shot", "finetune", "coop", "clipood", "alignclip", "emoji", "quickstart"):
        assert name in printed
