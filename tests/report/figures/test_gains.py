"""The numbers of an ablation, and where its axis starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report.figures.ablation import ablation_notes
from harness.report.figures.gains import ablation_bars
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.model import Table
from harness.store.store import Store
from tests.report.fakes import fill, spec
from tests.report.figures.conftest import ablation


def test_gains_are_over_the_lowest_bar_of_each_group(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000, 1000)}, "b": {"x": (1040, 1060)}, "c": {"x": (980, 1000)}})
    bars = [{"label": name.upper(), "row": name} for name in "abc"]
    data = ablation_bars(summarise(load_frame(store)), ablation(bars=bars))
    assert [group.column for group in data.groups] == ["x"]  # no mean over one column
    got = [(bar.label, bar.cell.mean, bar.gain) for bar in data.groups[0].bars]
    assert got[0] == ("A", 50.0, pytest.approx(0.5))
    assert got[1] == ("B", 52.5, pytest.approx(3.0))
    assert got[2] == ("C", 49.5, None)
    assert data.groups[0].bars[1].cell.spread == pytest.approx(2**0.5 / 2)


def test_rows_are_found_by_label_and_by_call(table: Table) -> None:
    data = ablation_bars(table, ablation(columns=["mean", "noto"]))
    assert [group.column for group in data.groups] == ["mean", "noto"]
    by_label = {row.label: row for row in table.rows}
    assert data.groups[0].bars[1].cell == by_label["alignclip[aal=false]"].mean


def test_an_axis_that_is_cut_says_so(table: Table) -> None:
    data = ablation_bars(table, ablation(columns=["noto"]))
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
    data = ablation_bars(table, ablation(bars=bars))
    assert data.bottom == 0
    assert "not at zero" not in ablation_notes(table, data)


def test_a_missing_bar_has_no_gain_and_is_counted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000, 1000)}})
    store.fail(spec("b", "x", 0, method="b"), "E: no", "", "now")
    bars = [{"label": name, "row": name} for name in "ab"]
    table = summarise(load_frame(store))
    data = ablation_bars(table, ablation(bars=bars, columns=["x"]))
    assert data.groups[0].bars[1].gain is None
    assert "1 bar without a result" in ablation_notes(table, data)


def test_without_any_result_the_axis_is_the_whole_scale(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.fail(spec("a", "x", 0, method="a"), "E: no", "", "now")
    data = ablation_bars(
        summarise(load_frame(store)), ablation(bars=[{"label": "a", "row": "a"}], columns=["x"])
    )
    assert (data.bottom, data.top) == (0, 100)
    assert data.groups[0].bars[0].gain is None


@pytest.mark.parametrize(
    ("scores", "bottom"),
    [((400, 600), 15), ((200, 600), 0), ((1000, 1400), 40), ((1990, 2000), 99)],
)
def test_the_axis_starts_half_a_range_below_the_lowest_bar(
    tmp_path: Path, scores: tuple[int, int], bottom: float
) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": scores[:1]}, "b": {"x": scores[1:]}})
    bars = [{"label": name, "row": name} for name in "ab"]
    data = ablation_bars(summarise(load_frame(store)), ablation(bars=bars))
    assert data.bottom == bottom
    highest = 100 * scores[1] / 2000
    assert data.top == pytest.approx(min(highest + 0.14 * (highest - bottom), 112))


def test_gains_are_over_the_baseline_if_there_is_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000, 1000)}, "b": {"x": (1040, 1060)}, "c": {"x": (980, 1000)}})
    bars = [{"label": name.upper(), "row": name} for name in "abc"]
    table = summarise(load_frame(store))
    for name in ("A", "a"):  # by label or by row
        spec = ablation(bars=bars, baseline=name)
        data = ablation_bars(table, spec)
        gains = [bar.gain for bar in data.groups[0].bars]
        assert gains == [None, pytest.approx(2.5), pytest.approx(-0.5)]
        assert "Above bars: gain over 'A', in points." in ablation_notes(table, data)


def test_without_its_baseline_a_group_has_no_gains(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000,)}, "b": {"x": (1040,), "y": (990,)}, "c": {"y": (980,)}})
    store.fail(spec("a", "y", 0, method="a"), "E: no", "", "now")
    bars = [{"label": name, "row": name} for name in "abc"]
    data = ablation_bars(summarise(load_frame(store)), ablation(bars=bars, baseline="a"))
    assert [bar.gain for bar in data.groups[1].bars] == [None, None, None]
