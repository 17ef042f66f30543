from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.report.figures.ablation import ablation_notes
from harness.report.figures.gains import ablation_bars
from harness.report.tables.aggregate import load_frame, summarise
from harness.report.tables.model import Table
from harness.store.store import Store, SweepPlan
from harness.sweep.calls import canonical
from harness.sweep.figures import AblationSpec, figures_of
from tests.report.fakes import ABLATION, add, fill, realistic, spec


def figure(**values: Any) -> AblationSpec:
    return AblationSpec.model_validate(ABLATION | values)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return summarise(load_frame(realistic(tmp_path_factory.mktemp("real"))))


def test_gains_are_over_the_lowest_bar_of_each_group(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000, 1000)}, "b": {"x": (1040, 1060)}, "c": {"x": (980, 1000)}})
    bars = [{"label": name.upper(), "row": name} for name in "abc"]
    data = ablation_bars(summarise(load_frame(store)), figure(bars=bars))
    assert [group.column for group in data.groups] == ["x"]  # no mean over one column
    got = [(bar.label, bar.cell.mean, bar.gain) for bar in data.groups[0].bars]
    assert got[0] == ("A", 50.0, pytest.approx(0.5))
    assert got[1] == ("B", 52.5, pytest.approx(3.0))
    assert got[2] == ("C", 49.5, None)
    assert data.groups[0].bars[1].cell.spread == pytest.approx(2**0.5 / 2)


def test_rows_are_found_by_label_and_by_call(table: Table) -> None:
    data = ablation_bars(table, figure(columns=["mean", "noto"]))
    assert [group.column for group in data.groups] == ["mean", "noto"]
    by_label = {row.label: row for row in table.rows}
    assert data.groups[0].bars[1].cell == by_label["alignclip[aal=false]"].mean


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("m[a=1, b=x]", "m[b=x,a=1.0]"),
        ("m[flag=False]", " m [ flag = false ]"),
        ("m[lr=1e-5]", "m[lr=0.00001]"),
        ("m[scale=[1, 2],a=1]", "m[a=1,scale=[1,2]]"),
    ],
)
def test_spelling_of_a_call_does_not_matter(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


def test_an_axis_that_is_cut_says_so(table: Table) -> None:
    data = ablation_bars(table, figure(columns=["noto"]))
    cells = [bar.cell for bar in data.groups[0].bars]
    assert 0 < data.bottom < min((c.mean or 0) - (c.spread or 0) for c in cells)
    assert data.top > max((c.mean or 0) + (c.spread or 0) for c in cells)
    assert f"starts at {data.bottom:g} %, not at zero" in ablation_notes(table, data)
    assert "± sample standard deviation over n = 3 seeds" in ablation_notes(table, data)


def test_an_axis_with_low_bars_starts_at_zero(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (100, 120)}, "b": {"x": (1000, 1100)}})
    bars = [{"label": name, "row": name} for name in "ab"]
    table = summarise(load_frame(store))
    data = ablation_bars(table, figure(bars=bars))
    assert data.bottom == 0
    assert "not at zero" not in ablation_notes(table, data)


def test_a_missing_bar_has_no_gain_and_is_counted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000, 1000)}})
    store.fail(spec("b", "x", 0, method="b"), "E: no", "", "now")
    bars = [{"label": name, "row": name} for name in "ab"]
    table = summarise(load_frame(store))
    data = ablation_bars(table, figure(bars=bars, columns=["x"]))
    assert data.groups[0].bars[1].gain is None
    assert "1 bar without a result" in ablation_notes(table, data)


def test_wrong_names_are_named(table: Table, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown row 'CLIPod': did you mean CLIPood"):
        ablation_bars(table, figure(bars=[{"label": "x", "row": "CLIPod"}]))
    with pytest.raises(UserError, match="unknown column 'notto': did you mean noto"):
        ablation_bars(table, figure(columns=["notto"]))
    store = Store(tmp_path)
    add(store, spec("a", config={"q": 1}), 1)
    add(store, spec("a", config={"q": 2}), 1)
    with pytest.raises(UserError, match=r"may be any of a \(q=[12]\), a \(q=[12]\)"):
        ablation_bars(summarise(load_frame(store)), figure(bars=[{"label": "x", "row": "a"}]))


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ([{"name": "x"}], "figure 1: field 'bars' is missing"),
        ([ABLATION | {"kind": "pie"}], "field 'kind' is 'pie'"),
        ([ABLATION | {"name": "../x"}], "field 'name'"),
        ([ABLATION | {"colour": 1}], "unknown field 'colour'"),
        ([ABLATION, ABLATION], "there 2 times"),
        ("no list", "give a list"),
    ],
)
def test_a_wrong_definition_names_sweep_and_field(figures: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"sweep 'p'.*{message}"):
        figures_of(SweepPlan(name="p", source={"figures": figures}, runs=()))
