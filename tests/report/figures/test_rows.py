"""What a figure names is found in tables, or its names are corrected."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.report.figures.gains import ablation_bars
from harness.report.figures.rows import chosen_table, columns_of, find_row, tables_for
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.model import Table
from harness.store.store import Store
from harness.sweep.figures import TableSpec
from tests.report.fakes import add, spec
from tests.report.figures.conftest import ablation


def test_wrong_names_are_named(table: Table, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown row 'CLIPod': did you mean CLIPood"):
        ablation_bars(table, ablation(bars=[{"label": "x", "row": "CLIPod"}]))
    with pytest.raises(UserError, match="unknown column 'notto': did you mean noto"):
        ablation_bars(table, ablation(columns=["notto"]))
    store = Store(tmp_path)
    add(store, spec("a", config={"q": 1}), 1)
    add(store, spec("a", config={"q": 2}), 1)
    with pytest.raises(UserError, match=r"may be any of a \(q=[12]\), a \(q=[12]\)"):
        ablation_bars(summarise(load_frame(store)), ablation(bars=[{"label": "x", "row": "a"}]))


def test_rows_are_known_by_label_and_by_call(table: Table) -> None:
    labels = [row.label for row in table.rows]
    assert find_row(table, " alignclip[ aal=False ] ", "f").label == "alignclip[aal=false]"
    assert [find_row(table, label, "f").label for label in labels] == labels


def test_a_label_goes_before_a_call(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for label, a in (("m[a=1]", 2), ("other", 1)):
        add(store, spec(label, method="m", given={"a": a}, config={"a": a}), 1)
    table = summarise(load_frame(store))
    assert find_row(table, "m[a=1]", "f").config == {"a": 2}
    assert find_row(table, "m[a=2]", "f").label == "m[a=1]"


def test_a_table_of_its_own_has_the_rows_and_columns_asked_for(table: Table) -> None:
    asked = TableSpec(
        kind="table", name="t", rows=("AlignCLIP", "CoOp"), columns=("twemoji", "mean")
    )
    chosen = chosen_table(table, asked)
    assert [row.label for row in chosen.rows] == ["AlignCLIP", "CoOp"]
    assert chosen.columns == ("twemoji", "mean")
    for row in chosen.rows:
        whole = find_row(table, row.label, "f")
        assert [cell.mean for cell in chosen.cells(row)] == [
            whole.cells[table.domains.index("twemoji")].mean,
            whole.mean.mean,
        ]
    assert [cell.best for cell in chosen.cells(chosen.rows[0])] == [True, True]
    without_mean = chosen_table(table, TableSpec(kind="table", name="t", columns=("noto",)))
    assert (without_mean.columns, len(without_mean.rows)) == (("noto",), len(table.rows))


def test_columns_are_all_unless_named(table: Table) -> None:
    assert columns_of(table, ablation()) == table.columns
    assert columns_of(table, ablation(columns=["mean", "noto"])) == ("mean", "noto")


def test_only_tables_with_the_figure_s_rows_and_measure_are_drawn(
    table: Table, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    add(store, spec("other", method="other"), 1)
    other = summarise(load_frame(store))
    both = [("a", other), ("b", table)]
    assert [name for name, _ in tables_for(ablation(), both)] == ["b"]
    assert [name for name, _ in tables_for(ablation(), both[:1])] == ["a"]  # it says what is wrong
    with pytest.raises(UserError, match=r"unknown measure 'H'.*known: accuracy"):
        tables_for(ablation(measure="H"), both)
