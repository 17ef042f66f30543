"""The rows of a sweep with a search: one row of the table, whatever was chosen for each domain."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from harness.report.runs.index import rows_of
from harness.report.runs.rows import RunRow
from harness.store.records import Search, SweepPlan
from harness.store.store import Store
from harness.tune.choice import finals_of, trials_of


def searched(plan: SweepPlan) -> frozenset[str]:
    """Return the runs that stand in no table for themselves: trials, and what might be chosen."""
    return frozenset(run.id for run in (*plan.trials, *plan.possible_finals()))


def tuned_rows(store: Store, plan: SweepPlan, order: Mapping[str, int]) -> list[tuple[int, RunRow]]:
    """Return the final runs chosen, each with its place, by the configuration that a row shares.

    One run may be the choice of several rules, and so stand in several rows.

    Args:
        store: Where the runs are.
        plan: What a sweep asked for.
        order: Place of each run whose values are given.
    """
    failed = Counter(
        _block(search)
        for search in plan.searches
        for trial in trials_of(search, store)
        if trial.status == "failed"
    )
    rows = []
    for search, runs in finals_of(plan, store):
        place = order[plan.runs[search.order].id] if search.order < len(plan.runs) else len(order)
        lost = failed[_block(search)]
        said = f" {lost} of its trials failed, which counts as the worst." if lost else ""
        config = json.dumps(_shared(search) | {"tuned": search.finals[0].label})
        for run in runs:
            rows += [
                (place, replace(row, config=config, tuned=search.about + said))
                for row in rows_of(store, run)
            ]
    return rows


def _block(search: Search) -> tuple[str, ...]:
    """Return what tells the searches of one rule and table from others of their sweep."""
    final = search.finals[0]
    parts = (final.dataset, final.model, final.protocol)
    return search.rule, *(part.model_dump_json() for part in parts)


def _shared(search: Search) -> dict[str, object]:
    """Return the configuration without what differs between candidates."""
    first, *others = (candidate.config for candidate in search.candidates)
    return {key: v for key, v in first.items() if all(other[key] == v for other in others)}
