"""Accuracy over shots: from a sweep's numbers to a picture."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
import yaml

from harness.errors import UserError
from harness.protocols.few_shot import FewShot
from harness.report.build import Choice
from harness.report.figures.drawings import drawings, picture
from harness.report.figures.sensitivity import line_points
from harness.report.page.images import alt_text
from harness.report.runs.predictions import PredictionCache
from harness.report.tables.caption import caption_text
from harness.store.records import Score
from harness.store.store import Store
from harness.sweep.figures import CurveSpec, figure_spec
from harness.sweep.file import plan_sweep, read_sweep
from tests.report.fakes import keep, plan, record, spec
from tests.report.figures.pixels import size_of

CURVE = {"kind": "curve", "name": "curves"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two methods at 1, 2 and 16 shots on two domains, three seeds."""
    store, runs = Store(tmp_path), []
    for shots in (16, 1, 2):
        for method in ("a", "b"):
            for domain in ("d0", "d1"):
                for seed in range(3):
                    run = spec(method, domain, seed, method=method, protocol=FewShot(shots=shots))
                    made = record(run, 1)
                    tests = {"test": Score(correct=correct(method, domain, seed, shots), n=100)}
                    metrics = made.metrics.model_copy(update={"tests": tests})
                    keep(store, made.model_copy(update={"metrics": metrics}))
                    runs.append(run)
    plan(store, "few", runs, [CURVE, {"kind": "table", "name": "wide", "over": "shots"}])
    return store


def correct(method: str, domain: str, seed: int, shots: int) -> int:
    return 40 + shots + 7 * (domain == "d1") + 3 * seed * (method == "a")


def test_a_line_for_each_row_in_the_order_of_shots(store: Store) -> None:
    curves, wide = drawings(store, Choice(), PredictionCache(store))
    assert isinstance(curves.spec, CurveSpec)
    data = line_points(curves.table, curves.spec)
    assert [curve.column for curve in data.curves] == ["a", "b"]
    for curve in data.curves:
        assert curve.x == (1, 2, 16)
        for shots, cell in zip((1, 2, 16), curve.cells, strict=True):
            by_seed = [
                statistics.fmean(correct(curve.column, d, seed, shots) for d in ("d0", "d1"))
                for seed in range(3)
            ]
            assert cell.mean == pytest.approx(statistics.fmean(by_seed))
            assert cell.spread == pytest.approx(statistics.stdev(by_seed))
    assert {wide.table.domains[i] for i in range(3)} == {"1", "2", "16"}
    said = caption_text(wide.table)
    assert "by training images a class (below: the most)" in said
    assert "up to 16 images a class" in said


def test_some_rows_and_the_picture(store: Store) -> None:
    (curves, _) = drawings(store, Choice(), PredictionCache(store))
    chosen = figure_spec(CURVE | {"rows": ["b"]}, "here")
    assert isinstance(chosen, CurveSpec)
    assert [curve.column for curve in line_points(curves.table, chosen).curves] == ["b"]
    png = picture(curves, "png")
    assert png is not None
    assert min(size_of(png)) > 300
    assert "Accuracy against Training images per class" in alt_text(curves)
    with pytest.raises(UserError, match="'c'"):
        line_points(curves.table, figure_spec(CURVE | {"rows": ["c"]}, "here"))  # type: ignore[arg-type]


def test_a_sweep_of_several_shots_is_a_run_for_each(tmp_path: Path) -> None:
    file = tmp_path / "few.yaml"
    text = {
        "name": "few", "protocol": "few_shot", "targets": ["noto"], "seeds": [0],
        "methods": ["zero_shot"], "shots": [1, 4], "figures": [CURVE],
    }  # fmt: skip
    file.write_text(yaml.safe_dump(text))
    runs = plan_sweep(read_sweep(file), None).runs
    assert [run.protocol for run in runs] == [FewShot(shots=1), FewShot(shots=4)]
    file.write_text(yaml.safe_dump(text | {"shots": [0]}))
    with pytest.raises(UserError, match=r"few\.yaml: field 'shots\.0' is 0: give 1 or more"):
        read_sweep(file)
