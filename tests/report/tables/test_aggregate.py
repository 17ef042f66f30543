"""Means and spreads against a reference written with the statistics module alone."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pandas as pd
import pytest

from harness.report.runs.frame import load_frame
from harness.report.tables.aggregate import labelled, summarise
from harness.report.tables.model import cell_text
from harness.report.tables.spread import Spread, spread_of
from harness.store.store import Store
from tests.report.fakes import N, add, fill, plan, realistic, spec

SCORES = {
    "a": {"x": (1000, 1040, 1100), "y": (700, 760, 700)},
    "b": {"x": (1200, 1100, 1150), "y": (900, 901, 950)},
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.mark.parametrize("kind", ["std", "sem", "ci95"])
def test_cells_agree_with_an_independent_reference(store: Store, kind: Spread) -> None:
    fill(store, SCORES)
    table = summarise(load_frame(store), kind)
    factor = {"std": 1.0, "sem": 1 / math.sqrt(3), "ci95": 4.30265 / math.sqrt(3)}[kind]
    assert table.domains == ("x", "y")
    for row in table.rows:
        by_domain = [[100 * c / N for c in SCORES[row.label][d]] for d in ("x", "y")]
        per_seed = [statistics.mean(pair) for pair in zip(*by_domain, strict=True)]
        for cell, values in zip(table.cells(row), [*by_domain, per_seed], strict=True):
            assert cell.mean == pytest.approx(statistics.mean(values))
            assert cell.spread == pytest.approx(
                factor * statistics.stdev(values), rel=2e-5, abs=1e-12
            )
            assert cell.n == 3
            assert cell.complete


def test_spread_is_of_the_per_seed_means_not_of_the_domains(store: Store) -> None:
    fill(store, {"a": {"x": (1000, 1100), "y": (1100, 1000)}})  # the seeds' means are equal
    mean = summarise(load_frame(store)).rows[0].mean
    assert (mean.mean, mean.spread) == (pytest.approx(52.5), pytest.approx(0))


def test_one_seed_has_no_spread(store: Store) -> None:
    fill(store, {"a": {"x": (1000,)}})
    cell = summarise(load_frame(store)).rows[0].cells[0]
    assert cell_text(cell, 1) == ("50.0", "", "")
    assert spread_of([1.0], "ci95") is None


def test_missing_failed_and_partial_cells(store: Store) -> None:
    runs = [spec("a", d, s) for d in ("x", "y", "z") for s in range(3)]
    plan(store, "p", runs)
    for run in runs:
        if run.target == "x" or (run.target == "y" and run.seed < 2):
            add(store, run, 1000)
    store.fail(spec("a", "y", 2), "RuntimeError: no", "trace", "now")
    store.fail(spec("a", "z", 2), "RuntimeError: no", "trace", "now")
    frame = load_frame(store)
    assert frame["status"].value_counts().to_dict() == {"done": 5, "failed": 2, "missing": 2}
    table = summarise(frame)
    (row,) = table.rows
    texts = [" ".join(filter(None, cell_text(cell, table.usual_n))) for cell in table.cells(row)]
    assert texts == ["50.0 ± 0.0", "50.0 ± 0.0 (2/3)", "failed", "–"]
    assert (table.n_runs, table.n_failed, table.n_missing) == (9, 2, 2)


def test_only_seeds_with_all_domains_enter_the_mean(store: Store) -> None:
    fill(store, {"a": {"x": (1000, 1100, 1200), "y": (1000, 1100)}})
    mean = summarise(load_frame(store)).rows[0].mean
    assert (mean.mean, mean.n, mean.planned) == (pytest.approx(52.5), 2, 3)


def test_best_are_all_that_print_the_same_and_are_complete(store: Store) -> None:
    fill(store, {"a": {"x": (1000, 1000)}, "b": {"x": (1000, 1001)}, "c": {"x": (900, 900)}})
    fill(store, {"d": {"y": (1, 1)}})
    add(store, spec("e", "x", 0, method="e"), 2000)
    store.fail(spec("e", "x", 1, method="e"), "E: x", "", "now")
    rows = summarise(load_frame(store)).rows
    assert [row.label for row in rows if row.cells[0].best] == ["a", "b"]
    assert not any(row.cells[1].best for row in rows)  # the only one of its column


def test_one_label_for_two_configurations_is_told_apart(store: Store) -> None:
    add(store, spec("a", config={"steps": 1, "opt": {"lr": 0.1}}), 1000)
    add(store, spec("a", config={"steps": 1, "opt": {"lr": 0.2}}), 1100)
    add(store, spec("a", config={"steps": 1, "opt": {"lr": 0.2}}, selection="last"), 1200)
    rows = summarise(load_frame(store)).rows
    assert sorted(row.label for row in rows) == [
        "a (opt.lr=0.1, selection=own)",
        "a (opt.lr=0.2, selection=last)",
        "a (opt.lr=0.2, selection=own)",
    ]
    assert all(row.cells[0].n == 1 for row in rows)


def test_one_configuration_under_two_labels_is_one_row_of_the_commoner_name(store: Store) -> None:
    for seed, label in enumerate(("a", "b", "b")):
        add(store, spec(label, seed=seed), 1000)
    (row,) = summarise(load_frame(store)).rows
    assert (row.label, row.cells[0].n) == ("b", 3)
    assert {"a", "b"} < row.names


def test_a_sweep_gives_its_own_names_and_order(store: Store) -> None:
    add(store, spec("old name", "x"), 1000)
    add(store, spec("z", "x", config={}), 1000)
    add(store, spec("not planned", "x", config={"q": 1}), 1000)
    plan(store, "p", [spec("z", "x", config={}), spec("new name", "x")])
    table = summarise(load_frame(store, "p"))
    assert [row.label for row in table.rows] == ["z", "new name"]


def test_untrained_comes_first_when_nothing_was_planned(store: Store) -> None:
    fill(store, {"b": {"x": (1,)}, "a": {"x": (1,)}, "zero_shot": {"x": (1,)}})
    assert [row.label for row in summarise(load_frame(store)).rows] == ["zero_shot", "a", "b"]


def test_labels_of_a_frame_are_unique_in_each_cell(tmp_path: Path) -> None:
    frame = labelled(load_frame(realistic(tmp_path)))
    assert not frame.duplicated(["label", "target", "seed", "data_seed"]).any()


def test_two_splits_of_one_seed_are_two_scores(store: Store) -> None:
    for data_seed, correct in ((0, 1000), (5, 1100), (9, 1300)):
        add(store, spec("a", "x", 0, data_seed=data_seed), correct)
    add(store, spec("a", "x", 1, data_seed=0), 1400)
    cell = summarise(load_frame(store)).rows[0].cells[0]
    assert cell.by_seed == pytest.approx({(0, 0): 50, (0, 5): 55, (0, 9): 65, (1, 0): 70})
    assert (cell.n, cell.planned) == (4, 4)
    assert cell.mean == pytest.approx(60)


def test_of_two_runs_in_one_place_the_later_counts(store: Store) -> None:
    add(store, spec("a", config={"x": 1}), 1000)
    frame = load_frame(store)
    twice = pd.concat([frame, frame.assign(accuracy=70.0)], ignore_index=True)
    table = summarise(twice)
    assert table.rows[0].cells[0].by_seed == {(0, 0): 70}
    assert table.n_runs == 1
    assert labelled(twice)["accuracy"].tolist() == [70.0]


def test_a_finished_run_without_the_score_is_a_hole(store: Store) -> None:
    fill(store, {"a": {"x": (1000, 1100)}})
    frame = load_frame(store)
    frame.loc[frame["seed"] == 1, "accuracy"] = float("nan")
    cell = summarise(frame).rows[0].cells[0]
    assert (cell.n, cell.n_missing, cell.n_failed, cell.complete) == (1, 1, 0, False)


def test_cells_know_their_runs_in_the_order_of_seeds_and_columns(store: Store) -> None:
    plan(store, "p", [spec("a", d, s) for d in "yx" for s in (1, 0)])
    add(store, spec("a", "x", 1), 1000)
    (row,) = summarise(load_frame(store)).rows
    expected = [[spec("a", d, s).id for s in (0, 1)] for d in "yx"]
    assert [list(cell.runs) for cell in row.cells] == expected
    assert list(row.mean.runs) == expected[0] + expected[1]


def test_one_configuration_spelt_in_another_order_is_one_row(store: Store) -> None:
    add(store, spec("a", seed=0, config={"x": 1, "y": {"u": 1, "v": 2}}), 1000)
    add(store, spec("a", seed=1, config={"y": {"v": 2, "u": 1}, "x": 1}), 1100)
    (row,) = summarise(load_frame(store)).rows
    assert (row.label, row.cells[0].n) == ("a", 2)
    assert row.config == {"x": 1, "y": {"u": 1, "v": 2}}


def test_a_row_is_known_by_its_label_and_its_call(store: Store) -> None:
    add(store, spec("AlignCLIP", method="alignclip", given={"k": 2}), 1000)
    (row,) = summarise(load_frame(store)).rows
    assert row.names == {"AlignCLIP", "alignclip[k=2.0]"}
    assert (row.method, row.selection) == ("alignclip", "averaged")


def test_labelled_rows_stand_together_in_the_order_of_the_table(store: Store) -> None:
    plan(store, "p", [spec(m, "x", s, method=m) for s in range(2) for m in "ba"])
    add(store, spec("a", "x", 0, method="a"), 1000)
    frame = load_frame(store)
    runs = labelled(frame)
    assert runs["label"].tolist() == ["b", "b", "a", "a"]
    assert [row.label for row in summarise(frame).rows] == ["b", "a"]
    assert list(runs.columns) == list(frame.columns)
