"""A measurement's tables in every format."""

from __future__ import annotations

import csv
import io

import pytest
from rich.console import Console

from harness.cost import table
from harness.cost.table import amount
from tests.cost.reports import BRANCHES, report, row


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "", "–"),
        (86_192_640, "count", "86.19 M"),
        (8192, "count", "8.192 k"),
        (2.5e9, "count", "2.5 G"),
        (999, "count", "999"),
        (35.13, "", "35.13"),
        (12345.6, "", "12,346"),
        (9999.6, "", "10,000"),
        (9999.4, "", "9999"),
    ],
)
def test_numbers_have_three_or_four_digits(value: float | None, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_rows_in_every_format() -> None:
    frozen = row("coop_x", frozen_image_tower=True, trained_parameters=8192, uncounted=("_int_mm",))
    still = row(
        "zero|shot",
        trains=False,
        trained_parameters=0,
        step_flops=None,
        step_ms=[],
        memory_mb=None,
    )
    made = report(BRANCHES[0], BRANCHES[1], frozen, still)
    text = table.to_markdown(made)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert "86.19 M" in lines[2]
    assert "1.10 (1.05–1.10)" in lines[3]
    assert r"| 8.192 k | 35.13\* | 4000\* |" in lines[4]
    assert "not counted, no formula: _int_mm" in text.replace("\\", "")
    assert "step of coop_x begins with image features" in text
    assert r"zero\|shot" in lines[5]
    assert "| 0 | 35.13 | – | – | – |" in lines[5]
    assert "random weights" in text
    assert "QuickGELU" in text
    records = list(csv.DictReader(io.StringIO(table.to_csv(made))))
    assert [r["step_ms"] for r in records] == ["220.0", "242.0", "220.0", ""]
    assert records[1]["step_ratio"] == "1.1"
    assert records[3]["peak_mib"] == ""
    tex = table.to_latex(made)
    assert tex.count(r"\begin{table}") == 2
    assert tex.isascii()
    console = Console(file=io.StringIO(), width=200, record=True)
    for part in table.to_terminal(made):
        console.print(part)
    assert "alignclip[branch=v-v-v]" in console.export_text()


def test_without_attention_there_is_one_table_and_no_answer() -> None:
    made = report(row("a"), attention=None)
    assert table.to_markdown(made).count("| :-- |") == 1
    assert table.to_latex(made).count(r"\begin{table}") == 1
    assert len(table.to_terminal(made)) == 2


def test_the_reference_has_no_range_and_others_have_one() -> None:
    lines = table.to_markdown(report(*BRANCHES)).splitlines()
    assert "| 1.00 |" in lines[2]
    assert "1.10 (1.05–1.10)" in lines[3]
    assert lines[1].startswith("| :-- | --: |")


def test_markdown_ends_with_its_last_sentence() -> None:
    for made in (report(*BRANCHES), report(row("a")), report(row("a"), attention=None)):
        text = table.to_markdown(made)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
