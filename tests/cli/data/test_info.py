"""`data list` and `data info` where nothing was downloaded."""

from __future__ import annotations

import pytest

from harness.cli.main import main


@pytest.mark.parametrize(
    "command", [["data", "list"], ["data", "list", "--json"], ["data", "info", "PACS"]]
)
def test_list_and_info_need_no_data(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "PACS" in said
    if command[1] == "info":
        for part in ("drive.google.com", "licence", "a photo of a {}.", "9,991", "3,929", "DIR/"):
            assert part in said
