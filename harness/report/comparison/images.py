"""Which images each run got right, and what two runs' answers say beyond their seeds."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.errors import UserError
from harness.report.stats import (
    ImagePair,
    Interval,
    McNemar,
    PairedTest,
    image_interval,
    mcnemar,
    pair_images,
)
from harness.store.records import Predictions
from harness.store.store import Store

TESTED = {"accuracy": "target"}
"""The test set of a measure, if not of the same name."""

BY_DOMAIN = ("distribution_shift",)
"""Protocols whose test sets have their domains' names."""

KEPT = 2**28


class Answers:
    """Predictions of a store's runs; those read last are kept, up to KEPT bytes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, Predictions | None] = {}
        self._bytes = 0

    def of(self, run_id: str) -> Predictions | None:
        """Return a run's predictions; None if they are missing or cannot be read."""
        if run_id not in self._read:
            try:
                found = self._store.predictions(run_id)
            except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
                found = None
            self._read[run_id] = found
            self._bytes += _size(found)
            while self._bytes > KEPT and len(self._read) > 1:
                oldest = next(iter(self._read))
                self._bytes -= _size(self._read.pop(oldest))
        return self._read[run_id]

    def tested(self, run: dict[Any, Any]) -> Predictions | None:
        """Return the predictions on those images that the measure of a frame's row is over.

        None for a measure over no set of images (the harmonic mean), or without predictions.
        """
        if run["status"] != "done" or run["measure"] == "H":
            return None
        found = self.of(run["id"])
        if found is None or run["measure"] == "all":
            return found
        name = TESTED.get(run["measure"], run["measure"])
        return part(found, run, run["target"] if run["protocol"] in BY_DOMAIN else name)


def part(found: Predictions, run: dict[Any, Any], name: str) -> Predictions | None:
    """Return the predictions on one test set of the run; None if it has no such set."""
    if name not in run["tests"]:
        return None
    own = found.test == run["tests"].index(name)
    return Predictions(**{name: values[own] for name, values in vars(found).items()})


def _size(found: Predictions | None) -> int:
    return sum(values.nbytes for values in vars(found).values()) if found else 0


@dataclass(frozen=True)
class ImageEvidence:
    """A candidate against the reference over the tested images; the weights are taken as given."""

    interval: Interval
    """Of the difference in points, tasks averaged; images resampled."""
    mcnemar: dict[str, McNemar]
    """By domain, of the first seed that both have."""
    n_images: int
    """Different images, of all domains."""
    n_seeds: int
    """Runs of each domain that were pooled."""

    @property
    def test(self) -> PairedTest:
        """Return McNemar's tests as one: the smallest p times the number of domains."""
        found = list(self.mcnemar.values())
        p = min(1.0, len(found) * min(one.p for one in found))
        smallest = min(1.0, len(found) * min(one.smallest_p for one in found))
        return PairedTest("mcnemar", p, smallest, self.n_images, exact=True)


def compare_images(
    frame: pd.DataFrame, answers: Answers, candidate: str, reference: str, level: float = 0.95
) -> ImageEvidence | None:
    """Compare two rows of a table over images.

    Only runs of one domain, seed and data seed are paired. Where the tested images depend on the
    data seed, which position is which image is unknown across data seeds; only the first data seed
    is taken then.

    Args:
        frame: Of one block, as `aggregate.labelled` returns it.
        answers: Of the same store.
        candidate: A row's label.
        reference: Another's.
        level: Coverage.

    Returns:
        None unless both have readable predictions on the same images of every shared domain.
    """
    mine, theirs = (_runs(frame, label) for label in (candidate, reference))
    shared = sorted(set(mine) & set(theirs))
    if not shared:
        return None
    if not images_fixed(frame):
        first = min(data_seed for _, _, data_seed in shared)
        shared = [at for at in shared if at[2] == first]
    pairs: list[ImagePair] = []
    for at in shared:
        found = answers.tested(mine[at]), answers.tested(theirs[at])
        if found[0] is None or found[1] is None or not len(found[0].label):
            return None
        try:
            pairs.append(pair_images(at[0], found[0], found[1]))
        except UserError:  # another version of the data: nothing to pair
            return None
    first_of = {pair.task: pair for pair in reversed(pairs)}
    if any(len(pair.candidate) != len(first_of[pair.task].candidate) for pair in pairs):
        return None
    interval = image_interval(pairs, level)
    if interval is None:
        return None
    points = Interval(100 * interval.value, 100 * interval.low, 100 * interval.high, level)
    return ImageEvidence(
        interval=points,
        mcnemar={task: mcnemar(pair) for task, pair in sorted(first_of.items())},
        n_images=sum(len(pair.candidate) for pair in first_of.values()),
        n_seeds=len({at[1:] for at in shared}),
    )


def images_fixed(frame: pd.DataFrame) -> bool:
    """Tell whether all seeds of a domain are tested on the same images, in the same order."""
    run = frame.iloc[0]
    if run["protocol"] == "domain_shift":
        return run["test_on"] == "all" and not run["disjoint_groups"]
    return bool(run["protocol"] == "domain_and_class")


def _runs(frame: pd.DataFrame, label: str) -> dict[tuple[str, int, int], dict[Any, Any]]:
    own = frame[(frame["label"] == label) & (frame["status"] == "done")]
    records: list[dict[Any, Any]] = own.to_dict("records")
    return {(run["target"], run["seed"], run["data_seed"]): run for run in records}


def untrained(frame: pd.DataFrame) -> frozenset[str]:
    """Return the labels of rows whose runs trained nothing."""
    done = frame[frame["status"] == "done"]
    trained = set(done[done["trained_parameters"] > 0]["label"])
    return frozenset(set(done["label"]) - trained)
