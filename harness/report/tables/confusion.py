"""Which classes a method takes for which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.report.runs.predictions import PredictionCache, finished_runs
from harness.report.tables.caption import title_text
from harness.report.tables.model import Table

PAIRS = 15
"""Of the most confused classes, in a table."""


@dataclass(frozen=True)
class ConfusedPair:
    """Images of a class that were taken for another."""

    label: str
    prediction: str
    count: int
    """Over all runs."""
    share: float
    """Of the class's images, in percent."""


@dataclass(frozen=True)
class Confusion:
    """A row's answers, of all its runs together."""

    label: str
    """The row's."""
    about: str
    """Data set, protocol and backbone in a line."""
    class_names: tuple[str, ...]
    """Those that are a label or were predicted, in the data set's order."""
    counts: NDArray[np.int64]
    """[C, C]: images by label and prediction."""
    n_runs: int

    @property
    def pairs(self) -> tuple[ConfusedPair, ...]:
        """Return what was confused, the largest shares of a class first."""
        totals = self.counts.sum(axis=1)
        found = [
            ConfusedPair(
                self.class_names[i],
                self.class_names[j],
                int(self.counts[i, j]),
                100 * int(self.counts[i, j]) / int(totals[i]),
            )
            for i, j in zip(*np.nonzero(self.counts), strict=True)
            if i != j
        ]
        return tuple(sorted(found, key=lambda pair: (-pair.share, -pair.count)))


def confusion_of(
    table: Table, frame: pd.DataFrame, predictions: PredictionCache, label: str | None
) -> Confusion | None:
    """Return how often each class was taken for each, over all domains and seeds of a row.

    Args:
        table: Of one block.
        frame: Its runs, as `aggregate.labelled` returns them.
        predictions: Of the same store.
        label: The row's; None for none.

    Returns:
        None without such a row, or without predictions.
    """
    if label is None or table.score != "target":
        return None
    # several data sets may be tested, each with its own classes
    by_names: dict[tuple[str, ...], NDArray[np.int64]] = {}
    runs: set[str] = set()
    for run in finished_runs(frame[frame["label"] == label]):
        seen = predictions.images(run)
        if seen is None:
            continue
        own = predictions.class_names(run)
        size = len(own)
        places = seen.label.astype(np.int64) * size + seen.prediction
        matrix = np.bincount(places, minlength=size * size).reshape(size, size)
        by_names[own] = by_names[own] + matrix if own in by_names else matrix
        runs.add(run.id)  # one may have several targets
    if not by_names:
        return None
    names, counts = _together(by_names)
    kept = (counts.sum(axis=0) + counts.sum(axis=1)).nonzero()[0]
    return Confusion(
        label,
        title_text(table),
        tuple(names[i] for i in kept),
        counts[np.ix_(kept, kept)],
        len(runs),
    )


def _together(
    by_names: Mapping[tuple[str, ...], NDArray[np.int64]],
) -> tuple[list[str], NDArray[np.int64]]:
    """Return one matrix of several over lists of classes, and its classes.

    Equal names of two lists are one class; those within a list (ImageNet's cranes) stay two.
    """
    place: dict[tuple[str, int], int] = {}
    rows = [
        [place.setdefault((name, own[:i].count(name)), len(place)) for i, name in enumerate(own)]
        for own in by_names
    ]
    counts = np.zeros((len(place), len(place)), np.int64)
    for at, matrix in zip(rows, by_names.values(), strict=True):
        counts[np.ix_(at, at)] += matrix
    return [name for name, _ in place], counts
