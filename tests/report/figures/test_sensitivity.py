"""A line figure: its numbers and its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.report.figures.sensitivity import line_picture, line_points
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.model import Table
from harness.store.store import Store
from harness.sweep.figures import LineSpec
from tests.report.fakes import fill, spec
from tests.report.figures.pixels import size_of


def line(*rows: str, **values: Any) -> LineSpec:
    points = [{"x": x, "row": row} for x, row in zip((5, 0, 3), rows, strict=False)]
    return LineSpec.model_validate({"kind": "line", "name": "l", "points": points} | values)


def test_curves_follow_x_whatever_the_order_of_the_points(table: Table) -> None:
    data = line_points(table, line("AlignCLIP", "CLIPood", "CoOp", columns=["mean", "noto"]))
    assert [curve.column for curve in data.curves] == ["mean", "noto"]
    by_label = {row.label: row for row in table.rows}
    mean = data.curves[0]
    assert mean.x == (0, 3, 5)
    assert mean.cells == tuple(by_label[label].mean for label in ("CLIPood", "CoOp", "AlignCLIP"))


def test_the_axis_has_room_around_means_and_spreads(table: Table) -> None:
    data = line_points(table, line("AlignCLIP", "CLIPood"))
    ends = [
        (cell.mean + sign * (cell.spread or 0))
        for curve in data.curves
        for cell in curve.cells
        for sign in (-1, 1)
        if cell.mean is not None
    ]
    assert data.bottom < min(ends) - 1
    assert data.bottom == int(data.bottom)
    assert data.top > max(ends) + 1


def test_without_any_result_the_axis_is_the_whole_scale(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for label in "ab":
        store.fail(spec(label, "x", 0, method=label), "E: no", "", "now")
    data = line_points(summarise(load_frame(store)), line("a", "b"))
    assert (data.bottom, data.top) == (0, 100)


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_a_picture_is_drawn_with_holes(tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path)
    fill(store, {"a": {"x": (1000,), "y": (900,)}, "b": {"x": (1000,)}})
    store.fail(spec("b", "y", 0, method="b"), "E: no", "", "now")
    picture = line_picture(summarise(load_frame(store)), line("a", "b", title="T"), kind)
    if kind == "png":
        assert size_of(picture)[0] == 5.6 * 200
    else:
        assert picture.startswith(b"%PDF")
