"""Which figures a store has, and what they are drawn from."""

from __future__ import annotations

from pathlib import Path

from harness.report.build import Choice
from harness.report.figures.drawings import drawings, picture
from harness.report.runs.predictions import PredictionCache
from tests.report.fakes import ABLATION, plan, realistic, spec

LINE = {
    "kind": "line",
    "name": "line",
    "points": [{"x": 0, "row": "CLIPood"}, {"x": 1, "row": "AlignCLIP"}],
}
TABLE = {"kind": "table", "name": "part", "rows": ["CoOp"]}


def test_every_figure_of_sweeps_that_ran_is_drawn_once(tmp_path: Path) -> None:
    store = realistic(tmp_path)
    runs = [record.spec for record in store.records()]
    plan(store, "second", runs, [ABLATION, LINE, TABLE])
    plan(store, "third", [spec("never", "noto", 9)], [LINE | {"name": "x"}])
    made = list(drawings(store, Choice(), PredictionCache(store)))
    assert [drawing.name for drawing in made] == [
        "quickstart-ablation",
        "second-ablation",
        "line",
        "part",
    ]
    kinds = [None if (data := picture(d, "png")) is None else data[:4] for d in made]
    assert kinds == [b"\x89PNG", b"\x89PNG", b"\x89PNG", None]
    only = drawings(store, Choice(sweep="quickstart"), PredictionCache(store))
    assert [drawing.name for drawing in only] == ["ablation"]
    assert not list(drawings(store, Choice(dataset="PACS"), PredictionCache(store)))
