"""Published figures: the file's errors, and what `report --compare-published` says and writes."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.errors import UserError
from harness.report.published.meanings import MEANINGS, load_meanings
from harness.report.published.numbers import NUMBERS, load_numbers
from harness.store.store import Store
from tests.report.fakes import realistic
from tests.report.published.test_compare import run_vlcs

ROOT = Path(__file__).resolve().parents[3]
HEADER = NUMBERS.read_text(encoding="utf-8").splitlines()[0]
GOOD = "someone,table 1,domain_shift,PACS,mean,CoOp,CLIP ViT-B/16,top1,96.2,0.1,std,3,"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (GOOD.replace("domain_shift", "shift"), "line 3: field 'protocol' is 'shift'"),
        (GOOD.replace("top1", "top1 new"), "metric 'top1 new' is unknown in domain_shift"),
        (GOOD.replace("96.2", "high"), "line 3: field 'value' is 'high'"),
        (GOOD.replace("96.2", ""), "line 3: field 'value' is ''"),
        (GOOD.replace("96.2", "nan"), "line 3: field 'value' is 'nan'"),
        (GOOD.replace("96.2", "962"), "value 962.0 is no percentage"),
        (GOOD.replace("0.1,std", ",std"), "spread and spread_kind go together"),
        (GOOD.replace("std", "sd"), "line 3: field 'spread_kind' is 'sd'"),
        (GOOD.replace(",3,", ",0,"), "line 3: field 'n_seeds' is '0'"),
        (GOOD.replace("someone", "some, one"), "line 3: 14 fields, 13 are needed"),
        (GOOD, "line 3: the same published number as line 2"),
    ],
)
def test_an_error_names_file_line_and_field(tmp_path: Path, row: str, said: str) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(f"{HEADER}\n{GOOD}\n", encoding="utf-8")
    assert load_numbers(file)[0].spread == 0.1
    file.write_text(f"{HEADER}\n{GOOD}\n{row}\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        load_numbers(file)
    assert str(error.value).startswith(f"{file}, line 3: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_another_header_or_no_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    with pytest.raises(UserError, match="cannot read published numbers"):
        load_numbers(file)
    file.write_text(HEADER.replace("source,", ""), encoding="utf-8")
    with pytest.raises(UserError, match="line 1: columns are"):
        load_numbers(file)


def test_a_name_of_an_unknown_plugin_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "methods.yaml"
    text = MEANINGS.read_text(encoding="utf-8")
    file.write_text(text.replace("CoOp: {method: coop}", "CoOp: {method: coup}"), encoding="utf-8")
    with pytest.raises(UserError, match=r"names\.CoOp: method 'coup' is not among its plugins"):
        load_meanings(file)
    file.write_text(text.replace("values: {epsilon: 0.8}", "values: {eps: 0.8}"), encoding="utf-8")
    with pytest.raises(UserError, match="'eps' is not in the idea of 'alignclip'"):
        load_meanings(file)


def test_the_report_prints_and_writes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    run_vlcs(Store(store), "clipood", [(850, 851)] * 4)
    run_vlcs(Store(store), "finetune", [(850, 850)] * 4, config={"lr": 1e-4})
    asked = ["report", "--store", str(store), "--compare-published", "--format", "md,csv,tex,term"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "reproduced" in said
    assert "off by +1.0" in said
    assert "DISAM, ICLR 2024" in said
    assert "row 'any label (finetune)' has another recipe: lr is 0.0001 instead of 5e-06" in said
    assert "Tolerance: 2 sqrt" in said
    out = store / "report"
    page = (out / "published.md").read_text(encoding="utf-8")
    assert "| CLIPood (row any label (clipood)) | 85.05 ± 0.1 (n=2) | 85.0 ± 0.4 | +0.05 |" in page
    assert r"\begin{tabular}{llrrrrlll}" in (out / "published.tex").read_text(encoding="utf-8")
    rows = list(csv.DictReader((out / "published.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(load_numbers())  # what is not run, too
    (clipood, again) = [row for row in rows if row["ours"]]
    assert (clipood["verdict"], clipood["allowance"]) == ("reproduced", repr(85.0 - 84.1))
    assert (again["verdict"], float(again["difference"])) == ("off", pytest.approx(0.95))


def test_a_store_of_another_backbone_says_so_in_a_line_without_torch(tmp_path: Path) -> None:
    realistic(tmp_path / "store", ablation=False)
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from harness.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    asked = ["report", "--store", str(tmp_path / "store"), "--format", "csv,term"]
    run = subprocess.run(
        [sys.executable, "-c", code, *asked, "--compare-published"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    lines = run.stdout.splitlines()
    assert "No published figure can be compared: backbone tiny-emoji is not CLIP ViT-B/16." in lines
    assert "Not run: 375 published figures." in lines
    assert (tmp_path / "store" / "report" / "published.csv").is_file()
