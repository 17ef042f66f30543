"""From two rows' predictions to what they say over images."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from harness.report.comparison.model import ImageEvidence
from harness.report.runs.predictions import FinishedRun, PredictionCache, finished_runs
from harness.report.runs.rows import SeedKey
from harness.report.stats import ImagePair, Interval, image_interval, mcnemar

RunsByTask = Mapping[tuple[str, SeedKey], FinishedRun]
"""A row's finished runs by domain and seed."""


def runs_by_label(frame: pd.DataFrame) -> dict[str, RunsByTask]:
    """Return the finished runs of each row of a block, as `aggregate.labelled` names them."""
    runs: dict[str, dict[tuple[str, SeedKey], FinishedRun]] = {}
    for run in finished_runs(frame):
        runs.setdefault(run.label, {})[run.target, run.seed] = run
    return dict(runs)


def compare_images(
    candidate: RunsByTask,
    reference: RunsByTask,
    predictions: PredictionCache,
    fixed: bool,
    level: float = 0.95,
) -> ImageEvidence | None:
    """Compare two rows of a table over images.

    Only runs of one domain, seed and data seed are paired. Where the tested images depend on the
    data seed, which position is which image is unknown across data seeds; only the first data seed
    is taken then.

    Args:
        candidate: A row's runs.
        reference: Another's.
        predictions: Of the same store.
        fixed: Whether all seeds of a target are tested on the same images, in the same order.
        level: Coverage.

    Returns:
        None unless both have readable predictions on the same images of every shared domain.
    """
    shared = sorted(set(candidate) & set(reference))
    if not fixed:
        first = min((data_seed for _, (_, data_seed) in shared), default=0)
        shared = [(target, seed) for target, seed in shared if seed[1] == first]
    pairs: list[ImagePair] = []
    for at in shared:
        mine, theirs = (predictions.measured(runs[at]) for runs in (candidate, reference))
        if mine is None or theirs is None or not mine.n:
            return None
        if mine.images != theirs.images:  # another version of the data: nothing to pair
            return None
        pairs.append(ImagePair(at[0], mine.right, theirs.right))
    first_of = {pair.task: pair for pair in reversed(pairs)}
    if any(len(pair.candidate) != len(first_of[pair.task].candidate) for pair in pairs):
        return None
    interval = image_interval(pairs, level)
    if interval is None:
        return None
    return ImageEvidence(
        interval=Interval(100 * interval.value, 100 * interval.low, 100 * interval.high, level),
        mcnemar={task: mcnemar(pair) for task, pair in sorted(first_of.items())},
        n_images=sum(len(pair.candidate) for pair in first_of.values()),
        n_seeds=len({seed for _, seed in shared}),
    )


def untrained(frame: pd.DataFrame) -> frozenset[str]:
    """Return the labels of rows whose runs trained nothing."""
    done = frame[frame["status"] == "done"]
    most = done.groupby("label")["trained_parameters"].max()
    return frozenset(most.index[most == 0])
