"""Predictions of a store: read once, and only the images that a measure is over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.protocols import read_protocol
from harness.report.runs import predictions
from harness.report.runs.frame import load_frame
from harness.report.runs.predictions import FinishedRun, PredictionCache, finished_runs
from harness.store.records import Score
from harness.store.store import Store
from tests.report.fakes import add, keep, packed, record, spec


def measured(store: Store, protocol: str, target: str, **options: str) -> dict[str, FinishedRun]:
    """Add a run with four images in its first test set and two in its second."""
    names = {"open_class": ("base", "new"), "domain_and_class": ("base", "open")}
    sets = names.get(protocol, ("i", "r"))
    run = spec("a", target, protocol=read_protocol({"name": protocol, **options}))
    made = record(run, 1)
    tests = {name: Score(correct=1, n=n) for name, n in zip(sets, (4, 2), strict=True)}
    metrics = made.metrics.model_copy(update={"tests": tests})
    data = packed(np.arange(6), np.arange(6), test=[0, 0, 0, 0, 1, 1])
    keep(store, made.model_copy(update={"metrics": metrics}), data)
    return {own.measure: own for own in finished_runs(load_frame(store))}


def labels(cache: PredictionCache, run: FinishedRun) -> list[int] | None:
    own = cache.measured(run)
    return None if own is None else own.label.tolist()


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("open_class", {"base": [0, 1, 2, 3], "new": [4, 5], "H": None}),
        ("domain_and_class", {"base": [0, 1, 2, 3], "open": [4, 5], "all": [0, 1, 2, 3, 4, 5]}),
    ],
)
def test_a_measure_has_its_own_images(
    tmp_path: Path, protocol: str, expected: dict[str, list[int] | None]
) -> None:
    runs = measured(Store(tmp_path), protocol, "x")
    cache = PredictionCache(Store(tmp_path))
    assert {measure: labels(cache, run) for measure, run in runs.items()} == expected


def test_shifted_domains_are_test_sets_of_their_names(tmp_path: Path) -> None:
    runs = measured(Store(tmp_path), "distribution_shift", "r", source="i")
    cache = PredictionCache(Store(tmp_path))
    assert labels(cache, runs["accuracy"]) == [4, 5]
    assert labels(cache, runs["source"]) == [0, 1, 2, 3]
    assert cache.on(runs["source"], "elsewhere") is None


def test_only_finished_runs_have_predictions(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.fail(spec("a", "x", 1), "E: x", "", "now")
    run = spec("a", "x", 2, data_seed=7)
    keep(store, record(run, 1), packed([1, 2], [1, 1]))
    (own,) = finished_runs(load_frame(store))
    assert (own.id, own.seed, own.tests) == (run.id, (2, 7), ("target",))
    assert labels(PredictionCache(store), own) == [1, 2]


def test_files_are_read_once_and_the_oldest_are_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    ids = []
    for seed in range(3):
        run = spec("a", "x", seed)
        keep(store, record(run, 1), packed(np.zeros(100), np.zeros(100)))
        ids.append(run.id)
    read: list[str] = []
    original = Store.predictions

    def counted(self: Store, run_id: str) -> object:
        read.append(run_id)
        return original(self, run_id)

    monkeypatch.setattr(Store, "predictions", counted)
    monkeypatch.setattr(predictions, "KEPT", 2 * 900)  # two runs of 100 images
    cache = PredictionCache(store)
    for run_id in (ids[0], ids[0], ids[1], ids[0], ids[2], ids[1], ids[0]):
        assert cache.of(run_id) is not None
    assert read == [ids[0], ids[1], ids[2], ids[0]]


def test_what_cannot_be_read_is_none_and_not_tried_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, spec("a"), 1000)  # without any
    cache = PredictionCache(store)
    (run,) = finished_runs(load_frame(store))
    assert cache.of(run.id) is None
    assert cache.measured(run) is None
    assert cache.of("nobody") is None
