"""Predictions of a store's finished runs: read once, and only the images a measure is over."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from harness.report.runs.rows import SeedKey
from harness.store.records import Predictions
from harness.store.store import Store

KEPT = 2**28
"""Bytes of predictions that are kept at a time."""


@dataclass(frozen=True)
class FinishedRun:
    """A finished run, and the target and measure of one of its rows."""

    id: str
    label: str
    measure: str
    target: str
    seed: SeedKey
    test_set: str
    """What the measure is over, empty if over several."""
    tests: tuple[str, ...]
    """The test sets, in the order of the stored predictions."""


def finished_runs(frame: pd.DataFrame) -> Iterator[FinishedRun]:
    """Yield the finished runs of a frame, one for each row."""
    done = frame[frame["status"] == "done"]
    names = ("id", "label", "measure", "target", "seed", "data_seed", "test_set", "tests")
    for run_id, label, measure, target, seed, data_seed, test_set, tests in zip(
        *(done[name] for name in names), strict=True
    ):
        yield FinishedRun(
            id=run_id,
            label=label,
            measure=measure,
            target=target,
            seed=(seed, data_seed),
            test_set=test_set,
            tests=tuple(json.loads(tests)),
        )


class PredictionCache:
    """Predictions of a store's runs; those read last are kept, up to KEPT bytes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[str, Predictions | None] = {}
        self._bytes = 0

    def of(self, run_id: str) -> Predictions | None:
        """Return a run's predictions; None if they are missing or cannot be read."""
        if run_id not in self._kept:
            try:
                predictions = self._store.predictions(run_id)
            except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
                predictions = None
            self._kept[run_id] = predictions
            self._bytes += _size(predictions)
            while self._bytes > KEPT and len(self._kept) > 1:
                oldest = next(iter(self._kept))
                self._bytes -= _size(self._kept.pop(oldest))
        return self._kept[run_id]

    def measured(self, run: FinishedRun) -> Predictions | None:
        """Return the predictions on those images that the run's measure is over.

        None for a measure over no set of images (the harmonic mean), or without predictions.
        """
        if run.measure == "H":
            return None
        return self.on(run, run.test_set) if run.test_set else self.of(run.id)

    def on(self, run: FinishedRun, test: str) -> Predictions | None:
        """Return the predictions on one test set; None without it or without predictions."""
        predictions = self.of(run.id)
        if predictions is None or test not in run.tests:
            return None
        own = predictions.test == run.tests.index(test)
        return Predictions(**{name: array[own] for name, array in vars(predictions).items()})


def _size(predictions: Predictions | None) -> int:
    return sum(array.nbytes for array in vars(predictions).values()) if predictions else 0
