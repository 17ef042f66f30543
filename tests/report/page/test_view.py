"""A section of the page: ranks, the answer at a glance, columns of devices."""

from __future__ import annotations

import statistics
from pathlib import Path

from harness.report.build import Choice, report_blocks
from harness.report.page.build import build_page
from harness.report.page.render import render_page
from harness.store.store import Store
from tests.report.fakes import fill, realistic
from tests.report.page.stores import holed, two_devices
from tests.report.page.test_build import column


def test_rows_are_ranked_and_the_answer_is_that_of_the_statistics(tmp_path: Path) -> None:
    store = holed(tmp_path)[0]
    (view,) = build_page(store).views
    means = [line.cells[0].value for line in view.rows if line.cells[0].value is not None]
    assert means == sorted(means, reverse=True)
    (part,) = report_blocks(store, Choice())
    assert part.evidence is not None
    assert view.glance.answer == part.evidence.answer
    assert view.glance.lead == "+1.18 over CLIPood"
    assert "1.18 points over CLIPood" in view.glance.answer
    for line in part.evidence.rows:
        assert column(view, "verdict")[line.label].verdict == line.verdict
        assert column(view, f"Δ {part.evidence.reference}")[line.label].value == line.difference


def test_without_evidence_no_claim(tmp_path: Path) -> None:
    (view,) = build_page(holed(tmp_path)[0], Choice(evidence=False)).views
    assert (view.glance.badge, view.glance.answer) == (None, "")
    assert not any(one.group == "evidence" for one in view.columns)


def test_devices_have_columns_and_plots_of_their_own(tmp_path: Path) -> None:
    store = two_devices(tmp_path)
    view = build_page(store).views[0]
    walls = {one.text for one in view.columns if one.text.startswith("run s")}
    assert walls == {"run s A", "run s B"}
    records = list(store.records())
    for sign, device in (("A", "CPU"), ("B", "GPU")):
        for label, cell in column(view, f"run s {sign}").items():
            own = [
                r.provenance.wall_s
                for r in records
                if r.spec.label == label and r.provenance.device == device
            ]
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


def test_the_reference_leads_by_the_other_side_of_its_seconds_line(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, {"zero_shot": {"x": (1200, 1210, 1221)}, "b": {"x": (1100, 1120, 1115)}})
    (view,) = build_page(store).views
    assert (view.glance.best, view.rows[0].is_reference) == ("zero_shot", True)
    assert view.glance.lead == f"+{(3631 - 3335) / 3 / 20:.2f} over b"
    assert view.glance.badge_text == "more than noise"
    assert column(view, "verdict")["b"].verdict == "worse"


def test_leads_by_domain_say_whether_they_are_noise_if_that_was_asked(tmp_path: Path) -> None:
    store = realistic(tmp_path)
    page = build_page(store)
    (part,) = report_blocks(store, Choice())
    assert part.evidence is not None
    (view,) = page.views
    assert {d.badge_text for d in view.domains} == {"more than noise", "may be noise"}
    for domain, lead in zip(view.domains, part.evidence.leads, strict=True):
        assert lead.comparison is not None
        assert (domain.name, domain.reading) == (lead.column, lead.comparison.reading)
    assert "Holm-corrected for 4 comparisons" in view.domain_note
    assert "is it noise?" in render_page(page)
    assert "is it noise?" not in render_page(build_page(store, Choice(evidence=False)))
