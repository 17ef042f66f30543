"""Tables and figures across blocks, against numbers computed in the test."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.protocols.distribution_shift import DistributionShift
from harness.protocols.open_class import OpenClass
from harness.report.build import Choice
from harness.report.figures.rows import chosen_table, tables_for
from harness.report.figures.sensitivity import line_points
from harness.report.runs.blocks import blocks_of
from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import summarise
from harness.report.tables.caption import caption_text
from harness.report.tables.columns import SIDE_BY_SIDE
from harness.report.tables.join import join_tables
from harness.report.tables.model import Table
from harness.report.write import write_report
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.records import Score
from harness.store.store import Store
from harness.sweep.figures import LineSpec, TableSpec, figure_spec
from tests.report.fakes import add, keep, plan, record, spec

OPEN = OpenClass()


def score(store: Store, run: RunSpec, **correct: int) -> None:
    made = record(run, 1)
    tests = {name: Score(correct=c, n=100) for name, c in correct.items()}
    metrics = made.metrics.model_copy(update={"tests": tests})
    keep(store, made.model_copy(update={"metrics": metrics}))


def tables(store: Store) -> list[Table]:
    return [summarise(block.frame) for block in blocks_of(load_frame(store))]


def named(store: Store) -> list[tuple[str, Table]]:
    return [(b.name, summarise(b.frame)) for b in blocks_of(load_frame(store))]


def across(store: Store, **given: Any) -> dict[tuple[str, str, int], float]:
    """Two data sets of two domains each, two methods, three seeds."""
    values = {}
    runs = []
    for d, dataset in enumerate(("PACS", "VLCS")):
        for method in ("a", "b"):
            for domain in range(2 + d):
                for seed in range(3):
                    correct = 30 + 10 * d + 7 * domain * (method == "a") + 2 * seed * (domain + 1)
                    run = spec(
                        method,
                        f"d{domain}",
                        seed,
                        method=method,
                        dataset=DatasetSpec(name=dataset),
                        **given,
                    )
                    score(store, run, target=correct)
                    runs.append(run)
                    values[dataset, method, seed] = values.get((dataset, method, seed), 0.0) + (
                        correct / (2 + d)
                    )
    plan(store, f"p{len(list(store.plans()))}", runs)  # tables follow the order of plans
    return values


def test_a_column_for_each_data_set_and_their_mean_within_each_seed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    values = across(store)
    (table,) = join_tables(tables(store), SIDE_BY_SIDE["datasets"])
    assert table.columns == ("PACS", "VLCS", "mean")
    for row in table.rows:
        own = {(d, s): values[d, row.label, s] for d in ("PACS", "VLCS") for s in range(3)}
        for column, cell in zip(("PACS", "VLCS"), row.cells, strict=True):
            by_seed = [own[column, s] for s in range(3)]
            assert cell.mean == pytest.approx(statistics.fmean(by_seed))
            assert cell.spread == pytest.approx(statistics.stdev(by_seed))
        means = [statistics.fmean((own["PACS", s], own["VLCS", s])) for s in range(3)]
        assert row.mean.mean == pytest.approx(statistics.fmean(means))
        assert row.mean.spread == pytest.approx(statistics.stdev(means))
    assert [cell.best for cell in table.rows[0].cells] == [True, True]
    assert "on PACS, VLCS;" in caption_text(table)
    assert "'mean' averages over data sets within each seed first" in caption_text(table)


def test_two_backbones_are_not_mixed_over_data_sets(tmp_path: Path) -> None:
    store = Store(tmp_path)
    across(store)
    across(store, model=ModelSpec(name="ViT-B-16", pretrained="openai"))
    wide = join_tables(tables(store), SIDE_BY_SIDE["datasets"])
    assert [table.key["model"] for table in wide] == ["tiny-emoji", "ViT-B-16/openai"]
    by_model = join_tables(tables(store), SIDE_BY_SIDE["models"])
    assert [table.domains for table in by_model] == [("tiny-emoji", "ViT-B-16/openai")] * 2
    other = spec("a", "d0", 0, method="a", dataset=DatasetSpec(name="PACS", options={"x": 1}))
    score(store, other, target=3)
    with pytest.raises(UserError, match="'PACS' stands for blocks of different dataset_options"):
        join_tables(tables(store), SIDE_BY_SIDE["datasets"])


def test_an_average_harmonic_mean_is_that_of_the_averages(tmp_path: Path) -> None:
    store = Store(tmp_path)
    found = {"PACS": (80, 20), "VLCS": (40, 60)}
    for dataset, (base, new) in found.items():
        score(
            store,
            spec("a", "d", protocol=OPEN, dataset=DatasetSpec(name=dataset)),
            base=base,
            new=new,
        )
    wide = {t.key["measure"]: t for t in join_tables(tables(store), SIDE_BY_SIDE["datasets"])}
    assert wide["base"].rows[0].mean.mean == pytest.approx(60)
    assert wide["new"].rows[0].mean.mean == pytest.approx(40)
    cells = wide["H"].rows[0].cells
    assert [cell.mean for cell in cells] == [pytest.approx(32), pytest.approx(48)]
    assert wide["H"].rows[0].mean.mean == pytest.approx(48)  # 2*60*40/100, not the mean of both
    side = join_tables(
        [t for t in tables(store) if t.key["dataset"] == "PACS"], SIDE_BY_SIDE["measures"]
    )
    assert [table.columns for table in side] == [("base", "new", "H")]
    assert [c.mean for c in side[0].rows[0].cells] == [80, 20, pytest.approx(32)]


def test_the_training_domain_stands_beside_the_shifts_and_out_of_their_mean(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    protocol = DistributionShift(source="i")
    for seed in range(2):
        score(store, spec("a", "r+s", seed, protocol=protocol), r=40 + seed, s=60, i=90)
    (table,) = join_tables(tables(store), SIDE_BY_SIDE["measures"])
    assert table.columns == ("i", "r", "s", "mean")
    (row,) = table.rows
    assert [cell.mean for cell in table.cells(row)] == [90, 40.5, 60, 50.25]
    assert "averages over the domains not trained on" in caption_text(table)
    assert table.n_runs == 2


def test_a_hole_in_one_data_set_is_a_hole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    across(store)
    runs = [spec("c", "d0", s, method="c", dataset=DatasetSpec(name="PACS")) for s in range(3)]
    score(store, runs[0], target=99)
    plan(store, "more", runs)
    (table,) = join_tables(tables(store), SIDE_BY_SIDE["datasets"])
    (row,) = [row for row in table.rows if row.label == "c"]
    assert [cell.mean for cell in (*row.cells, row.mean)] == [None, None, None]


def test_lines_follow_the_parameter_and_carry_the_spread(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for k in (5, 0, 2):
        for seed in range(3):
            score(store, spec(f"k={k}", "x", seed, config={"k": k}), target=50 + k + k * seed)
    points = [{"x": k, "row": f"k={k}"} for k in (5, 0, 2)]
    line = figure_spec({"kind": "line", "name": "layers", "points": points}, "here")
    assert isinstance(line, LineSpec)
    (found,) = line_points(tables(store)[0], line).curves
    assert found.x == (0, 2, 5)
    assert [cell.mean for cell in found.cells] == [50, 54, 60]
    assert [cell.spread for cell in found.cells] == [0, pytest.approx(2), pytest.approx(5)]


def test_tables_of_a_sweep_choose_rows_columns_and_measure(tmp_path: Path) -> None:
    store = Store(tmp_path)
    across(store)
    asked = {"kind": "table", "name": "t", "over": "datasets", "rows": ["b"], "columns": ["VLCS"]}
    table_spec = figure_spec(asked, "here")
    assert isinstance(table_spec, TableSpec)
    ((name, table),) = tables_for(table_spec, named(store))
    chosen = chosen_table(table, table_spec)
    assert name == ""
    assert [row.label for row in chosen.rows] == ["b"]
    assert chosen.columns == ("VLCS",)
    wrong = figure_spec({**asked, "measure": "H"}, "here")
    with pytest.raises(UserError, match=r"unknown measure 'H'.*known: accuracy; in figure 't'"):
        tables_for(wrong, named(store))
    with pytest.raises(UserError, match="unknown column 'PAC'"):
        chosen_table(table, table_spec.model_copy(update={"columns": ("PAC",)}))


def test_the_report_writes_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    across(store)
    runs = [record.spec for record in store.records()]
    figures = [
        {"kind": "table", "name": "main", "over": "datasets"},
        {
            "kind": "ablation",
            "name": "bars",
            "over": "datasets",
            "bars": [{"label": "A", "row": "a"}, {"label": "B", "row": "b"}],
        },
        {
            "kind": "line",
            "name": "curve",
            "over": "datasets",
            "points": [{"x": 0, "row": "a"}, {"x": 1, "row": "b"}],
        },
    ]
    plan(store, "all", runs, figures)
    files = {path.name for path in write_report(store, tmp_path / "out", None, ["md", "png"])}
    assert {"table-main.md", "table-main.png", "figure-bars.png", "figure-curve.png"} <= files
    assert "PACS" in (tmp_path / "out" / "table-main.md").read_text()


def test_by_sweep_a_folder_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from harness.cli.main import main

    store = Store(tmp_path)
    across(store)
    runs = [made.spec for made in store.records()]
    plan(store, "one", [run for run in runs if run.label == "a"])
    plan(store, "other", [run for run in runs if run.dataset.name == "PACS"])
    ask = ["report", "--store", str(tmp_path), "--format", "csv", "--no-evidence"]
    broken = spec("c", "d9", method="c")
    plan(store, "broken", [broken])
    store.fail(broken, "it broke", "", "now")
    add(store, spec("d", "d9", method="d"), 1)
    assert main([*ask, "--by-sweep"]) == 0
    said = capsys.readouterr().err
    assert "--by-sweep: 1 run(s) that no sweep planned are in none of its reports" in said
    folders = {path.parent.name: path.read_text() for path in (tmp_path / "report").glob("*/*.csv")}
    assert {"one", "other", "p0", "broken"} == set(folders)
    assert "b,d0" not in folders["one"]
    assert main([*ask, "--by-sweep", "--sweep", "one"]) == 2
    assert "give one of the two" in capsys.readouterr().err


def test_validation_scores_have_one_measure_and_are_joined_all_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for method in "ab":
        score(store, spec(method, "d", method=method, protocol=OPEN), base=80, new=20)
    runs = [made.spec for made in store.records()]
    side = {"kind": "table", "name": "side", "over": "measures"}
    plan(store, "p", runs, [side, {"kind": "table", "name": "new", "measure": "new"}])
    choice = Choice(score="source_val")
    files = {path.name for path in write_report(store, tmp_path / "out", choice, ["md"])}
    assert "table-source_val-side.md" in files
    assert "table-source_val-new.md" not in files  # no measure is tested there
