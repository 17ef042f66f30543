"""What `report --compare-published` says and writes."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.report.published.numbers import load_numbers
from harness.store.store import Store
from tests.report.fakes import realistic
from tests.report.published.stores import run_vlcs

ROOT = Path(__file__).resolve().parents[2]


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
    assert r"\begin{tabular}{" in (out / "published.tex").read_text(encoding="utf-8")
    rows = list(csv.DictReader((out / "published.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(load_numbers())  # what is not run, too
    (clipood, again) = [row for row in rows if row["our_mean"]]
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


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    realistic(tmp_path / "store", ablation=False)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "published.csv").mkdir()
    asked = ["report", "--store", str(tmp_path / "store"), "--format", "csv"]
    assert main([*asked, "--out", str(tmp_path / "out"), "--compare-published"]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith(f"error: cannot write {tmp_path / 'out' / 'published.csv'} (")
    assert error.endswith("); give another --out")
