"""From scores of runs to the pairs that two methods share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import UserError, unknown_name
from harness.report.runs.rows import SeedKey, TaskKey
from harness.report.stats.draws import Floats


@dataclass(frozen=True)
class Scores:
    """All methods' scores, as far as they are there."""

    labels: tuple[str, ...]
    tasks: tuple[TaskKey, ...]
    seeds: tuple[SeedKey, ...]
    """Of run and split: only runs of the same split are paired."""
    scores: Floats
    """[labels, tasks, seeds]; NaN where there is no score."""
    planned: NDArray[np.bool_]
    """[labels, tasks, seeds]: whether there is a run, done or not."""


@dataclass(frozen=True)
class Pairs:
    """Two methods over the tasks they share and the seeds that both have for all of these."""

    candidate: Floats
    """[tasks, seeds], complete."""
    reference: Floats
    tasks: tuple[TaskKey, ...]
    seeds: tuple[SeedKey, ...]
    n_dropped: int
    """Task and seed of either method that did not make a pair: missing, failed, of one only, or
    of a seed that lacks another task."""
    left_out: tuple[TaskKey, ...]
    """Tasks without a single shared run."""

    @property
    def differences(self) -> Floats:
        """Candidate minus reference, [tasks, seeds]."""
        return self.candidate - self.reference

    @property
    def varies(self) -> bool:
        """Tell whether the seed makes any difference to either method."""
        both = np.stack([self.candidate, self.reference])
        return bool((both != both[..., :1]).any())


def scores_of(frame: pd.DataFrame, score: str = "accuracy") -> Scores:
    """Return the scores of a frame with one row per label, dataset, target, seed and data_seed.

    Args:
        frame: Runs of one block and one measure, as of `harness.report.runs.frame.load_frame`.
        score: The column to compare; a row counts if its status is ``done`` and this is a number.

    Raises:
        UserError: If a label has two runs of the same task and seed.
    """
    done = (frame["status"] == "done").to_numpy(np.bool_)
    scores = frame[score].where(done).to_numpy(np.float64, na_value=np.nan)
    tasks = zip(frame["dataset"], frame["target"], strict=True)
    seeds = zip(frame["seed"], frame["data_seed"], strict=True)
    return gathered(zip(frame["label"], tasks, seeds, scores, strict=True))


def gathered(runs: Iterable[tuple[str, TaskKey, SeedKey, float]]) -> Scores:
    """Return the scores of runs: label, task, seed, and score or NaN.

    Raises:
        UserError: If a label has two runs of the same task and seed.
    """
    by_run: dict[tuple[str, TaskKey, SeedKey], float] = {}
    for label, task, seed, score in runs:
        if (label, task, seed) in by_run:
            raise UserError(
                f"label '{label}' has two runs of {'/'.join(task)}, seed {seed[0]}, data seed "
                f"{seed[1]}; give each configuration a label of its own"
            )
        by_run[label, task, seed] = score
    labels = {label: i for i, label in enumerate(dict.fromkeys(run[0] for run in by_run))}
    tasks = {task: i for i, task in enumerate(dict.fromkeys(run[1] for run in by_run))}
    seeds = {seed: i for i, seed in enumerate(sorted({run[2] for run in by_run}))}
    scores = np.full((len(labels), len(tasks), len(seeds)), np.nan)
    planned = np.zeros(scores.shape, dtype=np.bool_)
    for (label, task, seed), score in by_run.items():
        at = labels[label], tasks[task], seeds[seed]
        scores[at], planned[at] = score, True
    return Scores(tuple(labels), tuple(tasks), tuple(seeds), scores, planned)


def pair(scores: Scores, candidate: str, reference: str) -> Pairs:
    """Return the pairs of two methods: tasks they share, and the seeds that have all of these.

    So every seed's mean is over the same tasks, as in the table's last column.

    Raises:
        UserError: If a label is unknown.
    """
    first, second = _at(scores, candidate), _at(scores, reference)
    shared = np.isfinite(scores.scores[first]) & np.isfinite(scores.scores[second])
    tasks = shared.any(axis=1)
    seeds = shared[tasks].all(axis=0) if tasks.any() else np.zeros(len(scores.seeds), np.bool_)
    either = scores.planned[first] | scores.planned[second]
    block = np.ix_(tasks, seeds)
    return Pairs(
        candidate=scores.scores[first][block],
        reference=scores.scores[second][block],
        tasks=tuple(task for task, ok in zip(scores.tasks, tasks, strict=True) if ok),
        seeds=tuple(seed for seed, ok in zip(scores.seeds, seeds, strict=True) if ok),
        n_dropped=int(either.sum() - tasks.sum() * seeds.sum()),
        left_out=tuple(
            task
            for task, ok, any_run in zip(scores.tasks, tasks, either.any(axis=1), strict=True)
            if any_run and not ok
        ),
    )


def _at(scores: Scores, label: str) -> int:
    if label not in scores.labels:
        raise unknown_name("method", label, scores.labels, "as the table labels its rows")
    return scores.labels.index(label)
