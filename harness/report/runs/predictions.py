"""A frame's finished runs, and how they answered the images that a measure is over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from harness.report.runs.index import index_of
from harness.report.runs.index_file import Answers
from harness.report.runs.rows import SeedKey
from harness.store.integrity import read_predictions
from harness.store.records import Predictions
from harness.store.store import Store


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
    """How a store's finished runs answered, as far as their predictions are there."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._index = index_of(store)

    def measured(self, run: FinishedRun) -> Answers | None:
        """Return the answers on those images that the run's measure is over.

        None for a measure over no set of images (the harmonic mean), or without predictions.
        """
        return None if run.measure == "H" else self._index.answers(run.id, run.test_set)

    def separation(self, run: FinishedRun) -> tuple[float, ...]:
        """Return AUROC and FPR95 of telling known classes from others; nothing if not tested."""
        return self._index.separation(run.id)

    def images(self, run: FinishedRun) -> Predictions | None:
        """Read the predictions of those images that the run's measure is over.

        None as for `measured`. Slow beside it: a file is opened.
        """
        if self.measured(run) is None:
            return None
        found = read_predictions((self._store.run_dir(run.id) / "predictions.npz").read_bytes())
        if not run.test_set:
            return found
        return found.of(found.test == run.tests.index(run.test_set))

    def class_names(self, run: FinishedRun) -> tuple[str, ...]:
        """Return the classes to which predictions refer: those of the data set that is tested."""
        record = self._index.record(run.id)
        other = record.other_data.get(run.test_set)
        return other.class_names if other else record.class_names
