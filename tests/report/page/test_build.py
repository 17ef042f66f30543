"""What the page says against the records themselves."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from harness.protocols.domain_shift import DomainShift
from harness.report.page.build import build_page
from harness.report.page.model import Page, Shown, View
from harness.specs import DatasetSpec, ModelSpec
from harness.store.store import Store
from tests.report.fakes import fill, plan
from tests.report.page.stores import TRACE, holed, two_devices


def column(view: View, text: str) -> dict[str, Shown]:
    (at,) = [i for i, one in enumerate(view.columns) if one.text == text]
    return {line.label: line.cells[at] for line in view.rows}


def positions(text: str) -> list[int]:
    ends = [[int(end) for end in part.split("-")] for part in text.split(",") if part]
    return [i for own in ends for i in range(own[0], own[-1] + 1)]


def runs_of(page: Page) -> list[dict[str, Any]]:
    """Put the embedded runs together again, as the page's script does."""
    data = json.loads(json.dumps(page.data))
    return [
        {
            name: data["pool"][value] if name in data["pooled"] and value is not None else value
            for name, value in zip(data["fields"], line, strict=True)
        }
        for line in data["runs"]
    ]


def test_every_cell_shows_its_runs_mean_and_knows_them(tmp_path: Path) -> None:
    store, _ = holed(tmp_path)
    page = build_page(store)
    (view,) = page.views
    runs = runs_of(page)
    for name in ("fluent_3d", "twemoji"):
        for label, cell in column(view, name).items():
            own = [runs[i] for i in positions(cell.runs)]
            assert own[0]["id"] == cell.first
            assert {(run["label"], run["target"]) for run in own} == {(label, name)}
            values = [100 * correct / n for run in own for correct, n in run["tests"].values()]
            assert cell.value == pytest.approx(statistics.fmean(values))
            spread = f"± {statistics.stdev(values):.1f}"
            assert cell.spread == ("" if label == "zero-shot CLIP" else spread)
    everything = positions(column(view, "mean")["CLIPood"].runs)
    assert {runs[i]["label"] for i in everything} == {"CLIPood"}
    assert len(everything) == 12


def test_holes_are_called_what_they_are(tmp_path: Path) -> None:
    store, gone = holed(tmp_path)
    page = build_page(store)
    (view,) = page.views
    cell = column(view, "noto")["AlignCLIP"]
    assert (cell.number, cell.state, cell.value) == ("failed", "failed", None)
    mean = column(view, "mean")["AlignCLIP"]
    assert (mean.number, mean.title) == ("incomplete", "of 12 runs 1 failed and 2 missing")
    assert view.rows[-1].label == "AlignCLIP"
    assert view.glance.best == "alignclip[sls=false]"
    by_id = {run["id"]: run for run in runs_of(page)}
    failed, missing = by_id[gone[0].id], by_id[gone[1].id]
    assert failed["failure"]["traceback"] == TRACE
    assert missing["status"] == "missing"
    assert missing["config"] == gone[1].config
    made = page.provenance
    assert (made.n_runs, made.n_done, made.n_failed, made.n_missing) == (84, 81, 1, 2)


def test_measures_are_joined_before_they_stand_alone(tmp_path: Path) -> None:
    views = build_page(two_devices(tmp_path)).views
    assert [view.id for view in views] == ["view-measures", "view-base", "view-new", "view-h"]
    assert [one.text for one in views[0].columns if one.group in ("score", "columns")] == [
        "H",
        "base",
        "new",
    ]
    for line in views[0].rows:
        base, new, h = (
            column(views[0], name)[line.label].value or 0.0 for name in ("base", "new", "H")
        )
        assert h == pytest.approx(2 * base * new / (base + new), rel=1e-3)
    assert views[0].glance.answer == views[3].glance.answer != ""


def test_blocks_are_never_mixed_and_joins_that_cannot_be_are_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scores = {"a": {"x": (1000, 1010)}, "b": {"x": (1100, 1120)}}
    options = ({"name": "PACS"}, {"name": "PACS", "options": {"k": 1}}, {"name": "VLCS"})
    for given in options:
        fill(store, scores, dataset=DatasetSpec(**given))
    fill(store, scores, model=ModelSpec(name="RN50"), dataset=DatasetSpec(name="VLCS"))
    plan(store, "all", [record.spec for record in store.records()])
    page = build_page(store)
    assert len({view.id for view in page.views}) == len(page.views) == 5
    (note,) = page.notes
    assert note.startswith("Not joined: a table over datasets: 'PACS' stands for blocks")
    for view in page.views:
        facts = dict(view.facts)
        assert "," not in facts["data set"]
        assert ("," in facts["backbone"]) == (view.id == "view-models")


def test_views_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scores = {"a": {"x": (1000, 1010)}, "b": {"x": (1100, 1120)}}
    for part in ("in", "out"):
        fill(store, scores, protocol=DomainShift(test_on=part))
    titles = [view.title for view in build_page(store).views]
    assert len(set(titles)) == 2
    assert {title.rpartition(" ")[2] for title in titles} == {"(test-in)", "(test-out)"}


def test_no_two_sections_have_one_title(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scores = {"a": {"x": (1000, 1010)}, "b": {"x": (1100, 1120)}}
    for part in ("in", "out"):
        for dataset in ("PACS", "VLCS"):
            protocol, data = DomainShift(test_on=part), DatasetSpec(name=dataset)
            fill(store, scores, protocol=protocol, dataset=data)
    titles = [view.title for view in build_page(store).views]
    assert len(titles) == len(set(titles)) == 6
    (wide, _) = [title for title in titles if title.endswith("by data set")]
    assert "(test-in) by data set" in wide
