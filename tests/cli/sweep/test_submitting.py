"""What `sweep submit` refuses before it asks Slurm."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cluster", "nowhere"], "unknown cluster 'nowhere'"),
        (["--cluster", "gone.yaml"], "--cluster gone.yaml: no such file"),
        (["--cluster", "cpu", "--set", "timeout"], "--set timeout: write KEY=VALUE"),
        (["--cluster", "cpu", "--set", "tineout_min=3"], "did you mean timeout_min"),
        (["--cluster", "cpu", "--runs-per-job", "0"], "field 'runs_per_job' is 0"),
    ],
)
def test_a_mistake_of_submit_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "submit", "quickstart", *words, "--store", str(tmp_path / "s")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
