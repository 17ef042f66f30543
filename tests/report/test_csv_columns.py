"""One name for one thing: the heads of all CSV files of a report, against docs/tables.md."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from harness.cli.main import main
from harness.store.store import Store
from tests.report.fakes import fill
from tests.report.tables.test_alignment import filled
from tests.report.test_tuning import fill as fill_trials
from tests.report.test_tuning import planned

ROOT = Path(__file__).resolve().parents[2]
FILES = {"table", "beyond", "comparison", "alignment", "confusion", "ranks", "tuning", "trials",
         "published"}  # fmt: skip


def documented() -> list[str]:
    """Return the columns that the page lists."""
    text = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    (part,) = re.findall(r"### Columns of CSV files\n(.*?)\n##", text, re.DOTALL)
    rows = [line.strip("|").split("|")[0] for line in part.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def heads(folder: Path) -> dict[str, list[str]]:
    """Return the columns of each kind of file."""
    out = {}
    for file in folder.glob("*.csv"):
        with file.open(newline="", encoding="utf-8") as lines:
            out[re.split(r"[-.]", file.name)[0]] = next(csv.reader(lines))
    return out


def test_every_column_of_every_file_is_in_the_one_list(tmp_path: Path) -> None:
    three = {m: dict.fromkeys("xyz", (1000 + i, 1010 + i)) for i, m in enumerate("abc")}
    fill(Store(tmp_path / "ranks"), three)
    fill_trials(Store(tmp_path / "tuned"), planned(select=["leave-one-source-out"]))
    filled(tmp_path / "answers")
    asked = {
        "ranks": ["--rank-over", "targets"],
        "tuned": [],
        "answers": ["--compare-published", "--alignment", "--confusion", "new"],
    }
    found: dict[str, list[str]] = {}
    for name, options in asked.items():
        store = tmp_path / name
        assert main(["report", "--store", str(store), "--format", "csv", *options]) == 0
        found |= heads(store / "report")
    assert set(found) == FILES
    for file, names in found.items():
        assert len(set(names)) == len(names), file
    known = documented()
    assert len(set(known)) == len(known)
    assert set(known) == {name for names in found.values() for name in names}
