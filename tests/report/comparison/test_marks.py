"""† and ‡ on the means that differ, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from harness.report.text.grid import to_csv
from harness.report.text.tables import lines, to_latex, to_markdown
from harness.store.store import Store
from tests.report.comparison.stores import SCORES, filled, only
from tests.report.fakes import add, fill, plan, spec


def test_marks_are_on_the_means_that_differ_and_nowhere_else(tmp_path: Path) -> None:
    table = only(filled(tmp_path)).table
    marks = {row.label: [cell.mark for cell in table.cells(row)] for row in table.rows}
    assert marks == {
        "finetune": ["", "", "‡"],
        "clipood": [""] * 3,
        "alignclip": ["", "", "†"],
        "close": [""] * 3,
    }
    text = to_markdown(table)
    assert text.count("†") == 1 + 1  # the cell and the caption
    assert "† better, ‡ worse than clipood (p &lt; 0.05, paired t test, Holm" in text
    assert r"{\scriptsize \ensuremath{\dagger}}" in to_latex(table)
    assert "†" not in to_csv(lines(table))
    assert "†" not in to_markdown(only(filled(tmp_path / "b"), evidence=False).table)


def test_a_table_of_one_domain_carries_the_mark_in_its_column(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {m: {"x": SCORES[m][0]} for m in ("clipood", "alignclip")})
    table = only(store).table
    assert not table.has_mean
    assert {row.label: [c.mark for c in row.cells] for row in table.rows} == {
        "clipood": [""],
        "alignclip": ["†"],
    }
    assert "Holm" not in table.note  # one comparison needs no correction


def test_a_row_that_lacks_a_domain_gets_no_mark(tmp_path: Path) -> None:
    store = filled(tmp_path, {m: SCORES[m] for m in ("clipood", "finetune")})
    runs = [spec("half", "y", s, method="half") for s in range(4)]
    for s in range(4):
        add(store, spec("half", "x", s, method="half"), 1500 + 2 * s)
    plan(store, "q", runs)
    part = only(store)
    assert part.evidence is not None
    line = part.evidence.row("half")
    assert line is not None
    assert line.verdict == "better"
    (row,) = [row for row in part.table.rows if row.label == "half"]
    assert [cell.mark for cell in part.table.cells(row)] == ["", "", ""]


def test_against_a_row_that_lacks_a_domain_nothing_is_marked(tmp_path: Path) -> None:
    store = filled(tmp_path, {"alignclip": SCORES["alignclip"]})
    for s in range(4):
        add(store, spec("half", "x", s, method="half"), 900 + 2 * s)
    block = only(store, against="half")
    assert block.evidence is not None
    row = block.evidence.row("alignclip")
    assert row is not None
    assert (row.verdict, row.comparison.left_out) == ("better", (("emoji", "y"),))
    assert not any(cell.mark for own in block.table.rows for cell in block.table.cells(own))
