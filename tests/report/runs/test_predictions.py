"""Predictions of a store: read once, and only the images that a measure is over."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.protocols import read_protocol
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
    """Return which of the labels 0, 1, ... 5 a measure is over."""
    own = cache.measured(run)
    if own is None:
        return None
    runs = ([*range(i, j)] for i in range(6) for j in range(i + 1, 7))
    hashes = {hashlib.sha256(np.array(r, "u2").tobytes()).hexdigest()[:32]: r for r in runs}
    return hashes[own.images]


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


def test_only_finished_runs_have_predictions(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.fail(spec("a", "x", 1), "E: x", "", "now")
    run = spec("a", "x", 2, data_seed=7)
    keep(store, record(run, 1), packed([1, 2], [1, 1]))
    (own,) = finished_runs(load_frame(store))
    assert (own.id, own.seed, own.tests) == (run.id, (2, 7), ("target",))
    assert labels(PredictionCache(store), own) == [1, 2]


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, spec("a"), 1000)  # without any
    cache = PredictionCache(store)
    (run,) = finished_runs(load_frame(store))
    assert cache.measured(run) is None
    assert cache.measured(replace(run, id="nobody")) is None
