"""The picture of an ablation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.report.figures.ablation import ablation_notes, ablation_picture
from harness.report.figures.gains import ablation_bars
from harness.report.figures.sensitivity import line_picture
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.model import Table
from harness.store.store import Store
from harness.sweep.figures import LineSpec
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


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "Top-1 accuracy (%)"),
        ({"key": "H"}, "Harmonic mean (%)"),
        ({"key": "H", "score": "source_val"}, "Top-1 accuracy (%)"),
    ],
)
def test_the_axis_says_what_the_bars_and_points_are(
    table: Table, changes: dict[str, str], label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "key" in changes:
        table = replace(table, key=table.key | {"measure": changes["key"]})
    table = replace(table, score=changes.get("score", "target"))  # type: ignore[arg-type]
    said: list[str] = []
    for module in ("ablation", "sensitivity"):
        place = f"harness.report.figures.{module}.dress"
        monkeypatch.setattr(place, lambda axes, text, *sizes: said.append(text))
    ablation_picture(table, ablation())
    points = [{"x": i, "row": row.label} for i, row in enumerate(table.rows[:2])]
    line_picture(table, LineSpec(kind="line", name="l", points=points))  # type: ignore[arg-type]
    assert said == [label, label]
