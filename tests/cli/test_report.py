"""`report`: what it prints and where it writes."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from harness.cli.report import add_arguments, report, run
from harness.errors import UserError
from tests.report.fakes import realistic


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(given)


def test_the_command_prints_the_table_and_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    realistic(tmp_path, ablation=False)
    options = ("--store", str(tmp_path), "--spread", "ci95", "--format", "term,md", "--initials")
    assert run(arguments(*options)) == 0
    out = capsys.readouterr().out
    assert "AlignCLIP" in out
    assert "95 % confidence interval" in out
    assert str(tmp_path / "report" / "table.md") in out
    with pytest.raises(UserError, match="unknown format 'xls'"):
        run(arguments("--store", str(tmp_path), "--format", "xls"))


def test_the_command_says_whether_the_gain_is_real_unless_told_not_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    realistic(tmp_path, ablation=False)
    options = ("--store", str(tmp_path), "--format", "term,md")
    assert run(arguments(*options, "--against", "CoOp")) == 0
    out = capsys.readouterr().out
    assert re.search(r"AlignCLIP is best with 47\.2 %, 8\.\d\d points over CoOp", out)
    assert "difference to CoOp" in out
    assert "comparison.md" in out
    assert run(arguments(*options, "--test", "sign")) == 0
    assert "With 3 seeds no scores at all could" in capsys.readouterr().out
    bare = (*options, "--no-evidence", "--out", str(tmp_path / "bare"))
    assert run(arguments(*bare)) == 0
    out = capsys.readouterr().out
    assert "is best with" not in out
    assert "†" not in out
    assert [path.name for path in (tmp_path / "bare").iterdir()] == ["table.md"]
    with pytest.raises(UserError, match="unknown row 'COOP': did you mean CoOp"):
        run(arguments(*options, "--against", "COOP"))


def test_without_options_everything_goes_into_the_store(tmp_path: Path) -> None:
    realistic(tmp_path, ablation=False)
    assert report(tmp_path) == 0
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {f"table.{kind}" for kind in ("md", "csv", "tex", "png", "pdf")} | {
        f"{name}.{kind}" for name in ("comparison", "beyond") for kind in ("md", "csv", "tex")
    }


def test_an_empty_store_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"python run_benchmark\.py quickstart"):
        run(arguments("--store", str(tmp_path / "none")))
    assert not (tmp_path / "none").exists()


def test_defaults_are_the_quickstart() -> None:
    args = arguments()
    assert args.store == Path("results/quickstart")
    assert args.spread == "std"
