"""The verdict for every published number."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest

from harness.protocols.base import TARGETS
from harness.protocols.domain_shift import DomainShift
from harness.report.published.compare import compare_published
from harness.report.published.numbers import load_numbers
from harness.store.store import Store
from harness.sweep.file import plan_sweep, read_sweep
from tests.report.published.stores import add, number, only, run_vlcs, tables

SWEEPS = (
    "table1-domain-shift",
    "table2-distribution-shift",
    "table3-open-class",
    "table4-domain-and-class",
    "ablation-parts",
    "ablation-parts-classes",
    "ablation-layers",
    "ablation-smoothing",
    "ablation-structures",
)


def test_verdicts_of_a_domain_and_of_the_mean_against_numbers_by_hand(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(
        store, "clipood", [(990, 1000, 995), (640, 650, 660), (790, 800, 810), (880, 900, 890)]
    )
    label_me = only(store, number(domain="LabelMe", value=66.0, spread=0.2, spread_kind="unstated"))
    assert (label_me.ours, label_me.spread, label_me.n) == (pytest.approx(65), pytest.approx(1), 3)
    assert label_me.difference == pytest.approx(-1)
    assert label_me.tolerance == pytest.approx(2 * math.sqrt(1 / 3 + 0.04))  # 1.22
    assert label_me.text == "reproduced"
    assert "kind of ± unstated" in label_me.notes
    by_seed = [(99.0 + 64 + 79 + 88) / 4, (100 + 65 + 80 + 90) / 4, (99.5 + 66 + 81 + 89) / 4]
    mean = only(store, number(value=85.0))
    assert mean.ours == pytest.approx(statistics.fmean(by_seed))
    near = 2 * math.sqrt(statistics.variance(by_seed) / 3 + 0.04)
    assert mean.tolerance == pytest.approx(near)
    assert mean.text == f"off by {statistics.fmean(by_seed) - 85:+.1f}" == "off by -1.6"
    assert only(store, number(domain="LabelMe", method="zero-shot CLIP")).text == "not run"


def test_only_a_re_run_in_the_same_source_gives_an_allowance(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", [(841, 841, 841)] * 4)
    source = "DISAM, ICLR 2024, arXiv 2405.18861"
    theirs = number(
        source=source,
        value=85.0,
        spread=0.1,
        spread_kind="unstated",
        note="as published by its authors",
    )
    again = number(source=source, value=84.1, where="(*)", note="reproduced by the DISAM authors")
    cell = only(store, theirs, again)
    assert cell.text == "within re-run allowance"
    assert (cell.allowance, cell.tolerance) == (pytest.approx(0.9), pytest.approx(0.2))
    assert only(store, theirs).text == "off by -0.9"
    # what lies above is no matter of the re-run
    above = theirs.model_copy(update={"value": 83.5})
    assert only(store, above, again.model_copy(update={"value": 83.0})).text == "off by +0.6"
    far = theirs.model_copy(update={"value": 86.5})
    assert only(store, far, again.model_copy(update={"value": 85.6})).text == "off by -2.4"


def test_a_source_that_names_no_part_is_compared_with_a_note(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", [(800, 800)] * 4)
    run_vlcs(store, "clipood", [(810, 810)] * 4, protocol=DomainShift())
    silent = number(source="someone, 2030")
    cells = compare_published(tables(store), [silent])
    assert sorted(cell.ours or 0 for cell in cells) == [pytest.approx(80), pytest.approx(81)]
    for cell in cells:
        assert "source does not state the tested part" in cell.notes
    (cell,) = compare_published(tables(store), [number()])
    assert (cell.text, cell.notes) == ("reproduced", ("no ± printed",))


def test_missing_seeds_are_said(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_vlcs(store, "clipood", [(800, 800), (800, 800), (800, 800), (800,)])
    cell = only(store, number())
    assert (cell.n, cell.text) == (1, "reproduced")
    assert {"one seed of ours", "1 of 2 seeds of ours"} <= set(cell.notes)


def test_the_sweeps_that_ship_stand_beside_every_published_accuracy(tmp_path: Path) -> None:
    """So their recipes, names and protocols are those that methods.yaml asks for."""
    store, runs = Store(tmp_path), {}
    for name in SWEEPS:
        sweep = read_sweep(name).model_copy(update={"seeds": [0]})
        runs |= {run.id: run for run in plan_sweep(sweep, None, name, outline=True).runs}
    for run in runs.values():
        tests = {
            "domain_shift": ["target"],
            "open_class": ["base", "new"],
            "domain_and_class": ["base", "open"],
        }.get(run.protocol.name)
        names = tests or [*run.target.split(TARGETS), run.protocol.source]
        add(store, run, **dict.fromkeys(names, 800))
    cells = compare_published(tables(store), load_numbers())
    alone = [cell.published.protocol for cell in cells if cell.ours is None]
    assert alone == ["cost"] * 5
    assert len(cells) == len(load_numbers())
    assert all(cell.ours in (None, pytest.approx(80)) for cell in cells)
