"""The picture of an ablation."""

from __future__ import annotations

from pathlib import Path

from harness.report.figures.ablation import ablation_notes, ablation_picture
from harness.report.figures.gains import ablation_bars
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.model import Table
from harness.store.store import Store
from tests.report.fakes import fill, spec
from tests.report.figures.conftest import ablation
from tests.report.figures.pixels import size_of


def test_more_bars_make_a_wider_picture_and_a_title_a_higher_one(table: Table) -> None:
    few, many = (
        size_of(ablation_picture(table, ablation(title="", columns=columns)))
        for columns in (["mean"], None)
    )
    assert few[0] < many[0]
    titled = size_of(ablation_picture(table, ablation(title="One line")))
    assert titled[1] - many[1] == 46  # 0.23 inch of 200 dots


def test_notes_count_cells_from_fewer_seeds_than_planned(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000, 1010)}, "b": {"x": (1000,)}})
    store.fail(spec("b", "x", 1, method="b"), "E: no", "", "now")
    table = summarise(load_frame(store))
    bars = [{"label": name, "row": name} for name in "ab"]
    text = ablation_notes(table, ablation_bars(table, ablation(bars=bars, columns=["x"])))
    assert text.endswith("*: 1 from fewer seeds than planned.")
    assert "over n = 1 to 2 seeds" in text
    assert "Above bars: gain over the lowest bar of the group, in points." in text
