"""Means and spreads against a reference written with the statistics module alone."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.protocols.domain_shift import DomainShift
from harness.report.tables.aggregate import blocks, load_frame, summarise
from harness.report.tables.model import Cell, cell_text
from harness.report.tables.spread import Spread, spread_of, t95
from harness.specs import DatasetSpec, ModelSpec
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


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 29, 30, 100])
def test_t_quantiles_leave_two_and_a_half_percent_on_each_side(degrees: int) -> None:
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2))
    scale /= math.sqrt(degrees * math.pi)
    steps = 20000
    width = t95(degrees) / steps
    density = [
        scale * (1 + (i * width) ** 2 / degrees) ** (-(degrees + 1) / 2) for i in range(steps + 1)
    ]
    simpson = density[0] + density[-1] + 4 * sum(density[1:-1:2]) + 2 * sum(density[2:-1:2])
    assert simpson * width / 3 == pytest.approx(0.475, abs=2e-6)


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


def test_another_number_of_seeds_is_shown() -> None:
    assert cell_text(Cell(50.0, 0.5, 2, 0, 0), 3) == ("50.0", "± 0.5", "(n=2)")


def test_best_are_all_that_print_the_same_and_are_complete(store: Store) -> None:
    fill(store, {"a": {"x": (1000, 1000)}, "b": {"x": (1000, 1001)}, "c": {"x": (900, 900)}})
    fill(store, {"d": {"y": (1, 1)}})
    add(store, spec("e", "x", 0, method="e"), 2000)
    store.fail(spec("e", "x", 1, method="e"), "E: x", "", "now")
    rows = summarise(load_frame(store)).rows
    assert [row.label for row in rows if row.cells[0].best] == ["a", "b"]
    assert not any(row.cells[1].best for row in rows)  # the only one of its column


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("test_on", {"protocol": DomainShift(test_on="out")}),
        ("holdout_fraction", {"protocol": DomainShift(holdout_fraction=0.5)}),
        ("disjoint_groups", {"protocol": DomainShift(disjoint_groups=True)}),
        ("precision", {"model": ModelSpec(name="tiny-emoji", precision="bf16")}),
        ("model", {"model": ModelSpec(name="ViT-B-16", pretrained="openai")}),
        ("dataset", {"dataset": DatasetSpec(name="pacs")}),
        ("dataset_options", {"dataset": DatasetSpec(name="emoji", options={"size": 3})}),
    ],
)
def test_blocks_never_mix(store: Store, name: str, values: dict[str, object]) -> None:
    add(store, spec("a"), 1000)
    add(store, spec("a", **values), 1100)
    frame = load_frame(store)
    parts = blocks(frame)
    assert len(parts) == 2
    assert len({part.name for part in parts}) == 2
    with pytest.raises(UserError, match=f"cannot mix {name} "):
        summarise(frame)
    means = sorted(summarise(part.frame).rows[0].cells[0].mean or 0 for part in parts)
    assert means == [pytest.approx(50), pytest.approx(55)]


@pytest.mark.parametrize("name", ["dataset_fingerprint", "model_fingerprint"])
def test_other_content_under_the_same_name_is_another_block(store: Store, name: str) -> None:
    add(store, spec("a", seed=0), 1000)
    add(store, spec("a", seed=1), 1000, **{name: "f" * 16})
    assert len(blocks(load_frame(store))) == 2


def test_a_missing_run_is_a_hole_not_a_block(store: Store) -> None:
    runs = [spec("a", seed=s) for s in range(3)]
    plan(store, "p", runs)
    add(store, runs[0], 1000)
    assert len(blocks(load_frame(store))) == 1


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


def test_one_configuration_under_two_labels_is_one_row(store: Store) -> None:
    add(store, spec("a", seed=0), 1000)
    add(store, spec("b", seed=1), 1100)
    assert len(summarise(load_frame(store)).rows) == 1


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


def test_the_frame_has_what_a_run_measured(tmp_path: Path) -> None:
    frame = load_frame(realistic(tmp_path))
    assert len(frame) == 7 * 4 * 3
    row = frame.iloc[0]
    assert row["label"] == "zero-shot CLIP"
    assert row["accuracy"] == pytest.approx(100 * row["correct"] / row["n"])
    assert (row["source_val"], row["zero_shot_val"]) == (75.0, 25.0)
    assert (row["step_ms"], row["wall_s"], row["peak_memory_mb"]) == (2.0, 1.0, 3.0)
    assert frame.iloc[-1]["given"] == {"sls": False}


def test_nothing_to_report_says_what_to_run(store: Store) -> None:
    with pytest.raises(UserError, match=r"python run_benchmark\.py quickstart"):
        load_frame(store)
    plan(store, "p", [spec("a")])
    with pytest.raises(UserError, match="no runs yet"):
        load_frame(store)
    with pytest.raises(UserError, match="unknown sweep 'q'"):
        load_frame(store, "q")


def test_a_record_without_test_images_is_a_failure(store: Store) -> None:
    add(store, spec("a", seed=0), 0, n=0)
    add(store, spec("a", seed=1), 1000)
    cell = summarise(load_frame(store)).rows[0].cells[0]
    assert (cell.n, cell.n_failed) == (1, 1)


def test_where_a_local_model_lies_is_not_in_the_table(store: Store) -> None:
    model = ModelSpec(name="local-dir:/home/me/clip", fingerprint="ab")
    add(store, spec("a", model=model), 1)
    assert load_frame(store)["model"][0] == "clip"
