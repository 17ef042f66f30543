"""`report`: what it prints and where it writes."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

import pytest

from harness.cli.report import add_arguments, names, report, run
from harness.errors import UserError
from harness.specs import DatasetSpec
from harness.store.store import Store
from tests.report.fakes import add, keep, packed, plan, realistic, record, spec


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


def test_rows_and_columns_may_be_chosen(tmp_path: Path) -> None:
    realistic(tmp_path)
    chosen = ("--rows", "AlignCLIP, alignclip[aal=false],CoOp", "--columns", "noto,mean")
    assert run(arguments("--store", str(tmp_path), "--format", "md,csv", *chosen)) == 0
    head, _, *rows = (tmp_path / "report" / "table.md").read_text().splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")] == ["method", "noto", "mean"]
    names = [row.split("|")[1].strip() for row in rows[:3]]
    assert names == ["AlignCLIP", r"alignclip\[aal=false\]", "CoOp"]
    assert "averages over domains (3 of them not shown)" in rows[-1]
    compared = (tmp_path / "report" / "comparison.csv").read_text()
    assert "CLIPood" not in compared  # the reference, too, is one of the rows
    with pytest.raises(UserError, match=r"unknown row 'CoOop': did you mean CoOp.*for --rows"):
        run(arguments("--store", str(tmp_path), "--rows", "CoOop"))
    with pytest.raises(UserError, match=r"unknown column 'note': did you mean noto.*--columns"):
        run(arguments("--store", str(tmp_path), "--columns", "note"))


def test_commas_within_brackets_or_quotes_part_no_names() -> None:
    assert names("a[b=1, c=[2,3]], d (e, f) ,,g") == ("a[b=1, c=[2,3]]", "d (e, f)", "g")
    assert names('"CLIPood, no AS", x[t="a, b"],y), z') == (
        "CLIPood, no AS", 'x[t="a, b"]', "y)", "z",
    )  # fmt: skip
    with pytest.raises(argparse.ArgumentTypeError, match="not closed"):
        names('"a, b')


@pytest.mark.parametrize(
    "option", [["--rows", ","], ["--columns", ""], ["--format", ""], ["--rope", "nan"]]
)
def test_nothing_and_no_number_are_refused(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        arguments("--store", str(tmp_path), *option)
    assert caught.value.code == 2
    assert f"argument {option[0]}: " in capsys.readouterr().err


def test_files_of_an_earlier_report_that_this_one_does_not_write_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = realistic(tmp_path, ablation=False)
    asked = arguments("--store", str(tmp_path), "--format", "md")
    run(asked)
    (tmp_path / "report" / "mine.md").write_text("mine")
    run(arguments("--store", str(tmp_path), "--format", "md", "--no-evidence"))
    assert "earlier report" not in capsys.readouterr().err  # nothing has run since
    add(store, spec("a", dataset=DatasetSpec(name="other")), 1)
    for file in (tmp_path / "report").iterdir():
        os.utime(file, (1, 1))
    run(asked)
    said = capsys.readouterr().err
    assert "3 file(s) of an earlier report are not of this one" in said
    assert "last run: beyond.md, comparison.md, table.md; delete them" in said


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["--measures", "AUROC,ECE"], "--measures AUROC: of no table here"),
        (["--measures", "worst domain", "--no-evidence"], "--measures worst domain: of no table"),
        (["--confusion", "CoOp"], "--confusion CoOp: its predictions are not there"),
    ],
)
def test_what_was_asked_for_and_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], message: str
) -> None:
    store = Store(tmp_path)
    for target in ("noto", "twemoji"):
        for method in ("CoOp", "b"):
            packs = None if method == "CoOp" else packed([0, 1], [0, 0])
            keep(store, record(spec(method, target, method=method), 1), packs)
    run(arguments("--store", str(tmp_path), "--format", "md", *asked))
    assert message in capsys.readouterr().err
    run(arguments("--store", str(tmp_path), "--format", "md", "--measures", "ECE,worst domain"))
    assert "of no table" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ablation-baseline", "SSL"], "unknown bar 'SSL': did you mean SLS"),
        (["--rank-over", "datasets"], "--rank-over datasets: 1 data set in a table"),
        (
            ["--compare-published", "gone.csv"],
            "gone.csv: cannot be read (No such file or directory)",
        ),
        (["--against", "CoOpp"], "unknown row 'CoOpp': did you mean CoOp"),
        (["--rows", "CoOpp"], "unknown row 'CoOpp': did you mean CoOp"),
        (["--columns", "notto"], "unknown column 'notto': did you mean noto"),
        (["--confusion", "CoOpp"], "unknown row 'CoOpp': did you mean CoOp"),
        (["--measures", "ECEE"], "unknown measure 'ECEE': did you mean ECE"),
        (["--by-sweep", "--ablation-baseline", "neither"], "unknown bar 'neither': known: none"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_is_printed_or_written(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = realistic(tmp_path)
    plan(store, "second", [record.spec for record in store.records()], [])
    with pytest.raises(UserError, match=re.escape(message)):
        run(arguments("--store", str(tmp_path), "--format", "term,md", *options))
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "report").exists()
