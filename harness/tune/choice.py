"""Which trial's values are chosen: a pure function of a plan and the records that are there."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from harness.specs import RunSpec
from harness.store.records import Rule, RunRecord, Search, SweepPlan
from harness.store.store import Store


@dataclass(frozen=True)
class Trial:
    """What came of one candidate."""

    number: int
    status: Literal["done", "failed", "missing"]
    score: float | None = None
    """A fraction; None unless it is done."""


def score_of(rule: Rule, record: RunRecord) -> float:
    """Return what a rule reads of a trial's record, a fraction.

    Training-domain: the mean over the source domains' validation parts; what the run was tested
    on is not looked at.
    """
    if rule == "training-domain":
        return statistics.fmean(score.accuracy for score in record.metrics.source_val.values())
    return record.accuracy


def _known_score(rule: Rule, store: Store, run_id: str) -> float:
    """Return `score_of` a run; its record is read again when it was written again."""
    written = (store.run_dir(run_id) / "record.json").stat()
    return _score(rule, store.root, run_id, written.st_mtime_ns, written.st_ino)


@cache
def _score(rule: Rule, root: Path, run_id: str, *_written: int) -> float:
    return score_of(rule, Store(root).read(run_id))


def trials_of(search: Search, store: Store) -> list[Trial]:
    """Return what came of each candidate; one of whose runs any failed has failed."""
    found = []
    for number, candidate in enumerate(search.candidates):
        there = [store.has(run.id) for run in candidate.runs]
        if all(there):
            scores = (_known_score(search.rule, store, run.id) for run in candidate.runs)
            found.append(Trial(number, "done", statistics.fmean(scores)))
        elif all(has or store.failure(r.id) for has, r in zip(there, candidate.runs, strict=True)):
            found.append(Trial(number, "failed"))
        else:
            found.append(Trial(number, "missing"))
    return found


def best(trials: Sequence[Trial]) -> int | None:
    """Return the number of the best trial, of equals the first; a failed one is the worst.

    None while one is missing, and when all failed.
    """
    if any(trial.status == "missing" for trial in trials):
        return None
    scored = [(trial.score, -trial.number) for trial in trials if trial.score is not None]
    return -max(scored)[1] if scored else None


def finals_of(plan: SweepPlan, store: Store) -> list[tuple[Search, tuple[RunSpec, ...]]]:
    """Return the final runs of every search that has chosen."""
    chosen = ((search, best(trials_of(search, store))) for search in plan.searches)
    return [(search, search.finals_of(n)) for search, n in chosen if n is not None]


def rows_of(plan: SweepPlan, store: Store) -> tuple[RunSpec, ...]:
    """Return the runs behind the rows of a sweep's table as far as they are known, each once.

    One that stands in several rows has the name of the first.
    """
    found: dict[str, RunSpec] = {}
    for run in (*plan.runs, *(run for _, runs in finals_of(plan, store) for run in runs)):
        found.setdefault(run.id, run)
    return tuple(found.values())


def runs_of(plan: SweepPlan, store: Store) -> tuple[RunSpec, ...]:
    """Return all that a sweep asks for by now, each once: trials, then the table's runs."""
    return (*plan.trials, *rows_of(plan, store))


def phase(plan: SweepPlan, store: Store) -> str:
    """Return how far a search is, in a line."""
    looked = [trials_of(search, store) for search in plan.searches]
    done = sum(store.has(run.id) for run in plan.trials)
    failed = sum(store.failure(run.id) is not None for run in plan.trials)
    finals = {run.id for _, runs in finals_of(plan, store) for run in runs}
    chosen = sum(best(trials) is not None for trials in looked)
    words = [f"trials: {done} of {len(plan.trials)} done"]
    words += [f"{failed} failed, which counts as the worst"] if failed else []
    words += [f"values chosen in {chosen} of {len(looked)} searches"]
    words += [f"final runs: {sum(map(store.has, finals))} of {len(finals)} done"] if chosen else []
    return "; ".join(words)
