"""Which figures a store has, and what they are drawn from."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.report.build import Choice, report_blocks
from harness.report.figures.drawings import drawings, picture
from harness.report.page.images import alt_text
from harness.report.runs.predictions import PredictionCache
from harness.sweep.figures import AblationSpec
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


def test_figures_of_one_title_say_what_differs(tmp_path: Path) -> None:
    store = realistic(tmp_path)
    runs = [record.spec for record in store.records()]
    plan(store, "second", runs, [ABLATION, LINE | {"title": ABLATION["title"]}])
    titles = [one.spec.title for one in drawings(store, Choice(), PredictionCache(store))]
    assert titles == [
        f"{ABLATION['title']} (quickstart, ablation)",
        f"{ABLATION['title']} (second, ablation)",
        f"{ABLATION['title']} (second, line)",
    ]
    (only,) = drawings(store, Choice(sweep="quickstart"), PredictionCache(store))
    assert only.spec.title == ABLATION["title"]


def test_a_baseline_can_be_asked_for(tmp_path: Path) -> None:
    store = realistic(tmp_path)
    for name in ("neither", "CLIPood"):
        (one,) = drawings(store, Choice(ablation_baseline=name), PredictionCache(store))
        assert isinstance(one.spec, AblationSpec)
        assert (one.spec.baseline, one.spec.zero) == (name, 0)
        assert "gain over 'neither'" in alt_text(one)
    with pytest.raises(UserError, match=r"unknown bar 'SSL': did you mean SLS.*ablation-baseline"):
        report_blocks(store, Choice(ablation_baseline="SSL"))
