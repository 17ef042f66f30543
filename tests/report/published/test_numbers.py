"""The file of published numbers: every row is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.report.published.numbers import NUMBERS, load_numbers

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
    file.write_text(f"\ufeff{HEADER}\n{GOOD}\n", encoding="utf-8")  # as spreadsheets write it
    assert load_numbers(file)[0].spread == 0.1
    file.write_text(f"{HEADER}\n{GOOD}\n{row}\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        load_numbers(file)
    assert str(error.value).startswith(f"{file}, line 3: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_another_header_or_no_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    with pytest.raises(UserError, match=r"mine.csv: cannot be read \(No such file"):
        load_numbers(file)
    file.touch()
    with pytest.raises(UserError, match=r"mine.csv: is empty; the first line must be source,where"):
        load_numbers(file)
    file.write_text(HEADER.replace("source,", ""), encoding="utf-8")
    with pytest.raises(UserError, match="line 1: columns are"):
        load_numbers(file)
