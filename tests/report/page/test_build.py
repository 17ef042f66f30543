"""What the page says against the records themselves."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from harness.protocols.domain_shift import DomainShift
from harness.report.build import Choice, report_blocks
from harness.report.page.build import build_page
from harness.report.page.model import Page, Shown, View
from harness.report.page.runs import last, ranges
from harness.specs import DatasetSpec, ModelSpec
from harness.store.store import Store
from tests.report.fakes import fill, plan
from tests.report.page.stores import TRACE, holed, hostile, two_devices


def column(view: View, text: str) -> dict[str, Shown]:
    (at,) = [i for i, one in enumerate(view.columns) if one.text == text]
    return {line.label: line.cells[at] for line in view.lines}


def positions(text: str) -> list[int]:
    ends = [[int(end) for end in part.split("-")] for part in text.split(",") if part]
    return [i for own in ends for i in range(own[0], own[-1] + 1)]


def runs_of(page: Page) -> list[dict[str, Any]]:
    """Put the embedded runs together again, as the page's script does."""
    data = json.loads(json.dumps(page.data))
    return [
        {name: data["pool"][value] if name in data["pooled"] and value is not None else value
         for name, value in zip(data["fields"], line, strict=True)}
        for line in data["runs"]
    ]  # fmt: skip


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
            assert cell.spread == f"± {statistics.stdev(values):.1f}"
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
    assert view.lines[-1].label == "AlignCLIP"
    assert view.glance.best == "alignclip[sls=false]"
    by_id = {run["id"]: run for run in runs_of(page)}
    failed, missing = by_id[gone[0].id], by_id[gone[1].id]
    assert failed["failure"]["traceback"] == TRACE
    assert missing["status"] == "missing"
    assert missing["config"] == gone[1].config
    made = page.provenance
    assert (made.n_runs, made.n_done, made.n_failed, made.n_missing) == (84, 81, 1, 2)


def test_rows_are_ranked_and_the_answer_is_that_of_the_statistics(tmp_path: Path) -> None:
    store = holed(tmp_path)[0]
    (view,) = build_page(store).views
    means = [line.cells[0].value for line in view.lines if line.cells[0].value is not None]
    assert means == sorted(means, reverse=True)
    (part,) = report_blocks(store, Choice())
    assert part.evidence is not None
    assert view.glance.answer == part.evidence.answer
    assert view.glance.lead == "+1.18 over CLIPood"
    assert "1.18 points over CLIPood" in view.glance.answer
    for line in part.evidence.lines:
        assert column(view, "verdict")[line.label].verdict == line.verdict
        assert column(view, f"Δ {part.evidence.reference}")[line.label].value == line.difference


def test_without_evidence_no_claim(tmp_path: Path) -> None:
    (view,) = build_page(holed(tmp_path)[0], Choice(evidence=False)).views
    assert (view.glance.badge, view.glance.answer) == (None, "")
    assert not any(one.group == "evidence" for one in view.columns)


def test_every_record_can_be_put_together_from_the_page(tmp_path: Path) -> None:
    store = hostile(tmp_path)
    page = build_page(store)
    runs = {run["id"]: run for run in runs_of(page)}
    for record in store.records():
        run = runs[record.id]
        assert run["config"] == record.spec.config
        assert run["given"] == record.spec.given
        assert run["tests"] == {k: [s.correct, s.n] for k, s in record.metrics.tests.items()}
        assert run["cost"]["wall time (s)"] == record.provenance.wall_s
        assert run["environment"]["device"] == record.provenance.device
        assert run["content"]["trained parameters"] == record.trained_parameters
        assert run["predictions"] == record.predictions_sha256
        assert run["log"] == (store.run_dir(record.id) / "log.txt").read_text(encoding="utf-8")
    assert sum(run["status"] == "done" for run in runs.values()) == 16
    assert len(page.data["pool"]) < 40  # two seeds share all but their scores


def test_devices_have_columns_and_plots_of_their_own(tmp_path: Path) -> None:
    store = two_devices(tmp_path)
    view = build_page(store).views[0]
    walls = {one.text for one in view.columns if one.text.startswith("run s")}
    assert walls == {"run s A", "run s B"}
    records = list(store.records())
    for sign, device in (("A", "CPU"), ("B", "GPU")):
        for label, cell in column(view, f"run s {sign}").items():
            own = [r.provenance.wall_s for r in records
                   if r.spec.label == label and r.provenance.device == device]  # fmt: skip
            assert cell.value == (statistics.median(own) if own else None)
    for plot in view.plots:
        devices = {
            r.provenance.device
            for r in records
            for mark in plot.marks
            if r.spec.label == mark.point.label
        }
        assert len(devices) == 1 or plot.title == "Trained parameters"
    assert any("A: CPU, 1 thread; B: GPU, 1 thread" in note for note in view.notes)


def test_measures_are_joined_before_they_stand_alone(tmp_path: Path) -> None:
    views = build_page(two_devices(tmp_path)).views
    assert [view.id for view in views] == ["view-measures", "view-base", "view-new", "view-h"]
    assert [one.text for one in views[0].columns if one.group in ("score", "columns")] == [
        "H", "base", "new",
    ]  # fmt: skip
    for line in views[0].lines:
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


def test_long_logs_keep_their_last_whole_lines() -> None:
    text = "\n".join(f"line {i}" for i in range(100)) + "\n"
    kept = last(text, 50)
    assert kept.splitlines()[0] == "…"
    assert kept.splitlines()[1:] == [f"line {i}" for i in range(94, 100)]
    assert last("short\n", 50) == "short"
    assert last("x" * 99, 10) == "…\n" + "x" * 10


def test_ranges() -> None:
    for numbers in ([], [3], [0, 1, 2], [5, 6, 1, 2, 9], [2, 2]):
        assert positions(ranges(numbers)) == numbers
    assert ranges(range(120)) == "0-119"


def test_the_reference_leads_by_the_other_side_of_its_seconds_line(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"zero_shot": {"x": (1200, 1210, 1221)}, "b": {"x": (1100, 1120, 1115)}})
    (view,) = build_page(store).views
    assert (view.glance.best, view.lines[0].is_reference) == ("zero_shot", True)
    assert view.glance.lead == f"+{(3631 - 3335) / 3 / 20:.2f} over b"
    assert view.glance.badge_text == "more than noise"
    assert column(view, "verdict")["b"].verdict == "worse"


def test_rows_that_do_not_differ_have_their_place(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"zero_shot": {"x": (1200, 1210)}, "b": {"x": (1200, 1210)}})
    (view,) = build_page(store).views
    forest = column(view, "Δ zero_shot")["b"].forest
    assert forest is not None
    assert forest.zero == forest.at == forest.low == forest.high


def test_views_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scores = {"a": {"x": (1000, 1010)}, "b": {"x": (1100, 1120)}}
    for part in ("in", "out"):
        fill(store, scores, protocol=DomainShift(test_on=part))
    titles = [view.title for view in build_page(store).views]
    assert len(set(titles)) == 2
    assert {title.rpartition(" ")[2] for title in titles} == {"(test-in)", "(test-out)"}
