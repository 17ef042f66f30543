"""The trials of a store's sweeps, search by search."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.build import Choice, filtered
from harness.report.runs.blocks import blocks_of
from harness.report.runs.frame import frame_of
from harness.report.text import grid
from harness.store.records import Search, SweepPlan
from harness.store.store import Store
from harness.sweep.calls import print_call
from harness.tune.choice import Trial, best, trials_of
from harness.tune.words import NAMES


@dataclass(frozen=True)
class Searched:
    """One search and what came of it."""

    sweep: str
    search: Search
    trials: tuple[Trial, ...]
    key: Mapping[str, Any]
    """Of its final runs' block: see `blocks.FIELDS`."""

    @property
    def dataset(self) -> str:
        """The data set."""
        return str(self.key["dataset"])

    @property
    def model(self) -> str:
        """The backbone."""
        return str(self.key["model"])

    @property
    def target(self) -> str:
        """The held-out domain."""
        return self.search.finals[0].target

    @property
    def chosen(self) -> int | None:
        """Number of the trial whose values are chosen."""
        return best(self.trials)

    def tested(self, store: Store) -> float | None:
        """Return the mean accuracy of the final runs that are done, a fraction."""
        finals = self.search.finals_of(self.chosen) if self.chosen is not None else ()
        known = [store.read(run.id).accuracy for run in finals if store.has(run.id)]
        return statistics.fmean(known) if known else None


def searched(store: Store, choice: Choice) -> list[Searched]:
    """Return the searches of which anything ran, of the sweep, backbone and data set asked for."""
    found = []
    for plan in store.plans():
        if choice.sweep in (None, plan.name):
            found += list(_of_plan(store, plan, choice))
    return found


def _of_plan(store: Store, plan: SweepPlan, choice: Choice) -> Iterator[Searched]:
    for search in plan.searches:
        frame = frame_of(store, search.finals[:1])
        trials = tuple(trials_of(search, store))
        ran = any(trial.status != "missing" for trial in trials)
        if ran and not filtered(frame, choice.model, choice.dataset).empty:
            yield Searched(plan.name, search, trials, blocks_of(frame)[0].key)


def lines(found: Sequence[Searched]) -> grid.Lines:
    """Return a line for each trial: values, validation score, and whether it was chosen.

    What the final runs were tested on is in no line; the score of an ORACLE is on its own part of
    the target.
    """
    head = ["sweep", "dataset", "model", "shots", "method", "domain", "rule", "trial", "values"]
    rows = (
        [
            *(one.sweep, one.dataset, one.model, one.key["shots"], one.search.row, one.target),
            NAMES[one.search.rule],
            trial.number,
            print_call(one.search.finals[0].method, one.search.candidates[trial.number].values),
            trial.status,
            None if trial.score is None else 100 * trial.score,
            trial.number == one.chosen,
        ]
        for one in found
        for trial in one.trials
    )
    return grid.Lines([*head, "status", "validation", "chosen"], rows)
