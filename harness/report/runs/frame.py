"""From a store to a data frame: one row per run, target and measure; done, failed or missing."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import pandas as pd

from harness.errors import UserError, unknown_name
from harness.specs import RunSpec
from harness.store.records import RunRecord, Score
from harness.store.store import Store
from harness.sweep.calls import one_line, print_call

COLUMNS = (
    "id", "status", "order", "label", "call", "method", "given", "config", "model", "precision",
    "model_fingerprint", "dataset", "dataset_options", "dataset_fingerprint", "protocol",
    "measure", "test_on", "holdout_fraction", "disjoint_groups", "shots", "source",
    "fixed_splits", "test_resize", "asked_selection", "selection", "target", "seed",
    "data_seed", "accuracy", "parts", "n", "correct", "source_val", "zero_shot_val",
    "selected_step", "step_ms", "wall_s", "peak_memory_mb", "trained_parameters",
    "total_parameters", "device", "tests", "error",
)  # fmt: skip


def load_frame(store: Store, sweep: str | None = None) -> pd.DataFrame:
    """Return one row per run, target and measure; values in percent.

    A run of most protocols has one target; one of distribution_shift has a row for each domain it
    is tested on. ``accuracy`` is the measure's value, whatever the measure.

    ``status`` is ``done``, ``failed``, or ``missing``: planned by a sweep of this store, but
    neither recorded nor failed. A cell that is not done has None for what is not known.

    Args:
        store: Where the runs are.
        sweep: Only this sweep's runs, under the names this sweep gives them.

    Raises:
        UserError: If the store has no runs at all, or no such sweep.
    """
    plans = {plan.name: plan for plan in store.plans()}
    if sweep is not None and sweep not in plans:
        raise unknown_name("sweep", sweep, plans, f"it must have been run into {store.root}")
    chosen = [plans[sweep]] if sweep is not None else list(plans.values())
    planned: dict[str, RunSpec] = {}
    for plan in chosen:
        for spec in plan.runs:
            planned.setdefault(spec.id, spec)
    order = {run_id: position for position, run_id in enumerate(planned)}

    rows: dict[str, list[dict[str, Any]]] = {}
    for record in store.records():
        if sweep is None or record.id in planned:
            # the plan's label wins: the run may have been made first under another sweep's name
            rows[record.id] = _finished(record, planned.get(record.id, record.spec))
    for failure in store.failures():
        if sweep is None or failure.id in planned:
            spec = planned.get(failure.id, failure.spec)
            rows[failure.id] = _asked(spec, "failed", error=one_line(failure.error))
    for run_id, spec in planned.items():
        rows.setdefault(run_id, _asked(spec, "missing"))
    if not any(own[0]["status"] != "missing" for own in rows.values()):
        raise UserError(
            f"{store.root}: no runs yet, so there is nothing to report; "
            "start with `python run_benchmark.py quickstart`"
        )
    found = [
        row | {"id": run_id, "order": order.get(run_id, len(order))}
        for run_id, own in rows.items()
        for row in own
    ]
    ordered = sorted(found, key=lambda row: (row["order"], row["label"], row["id"]))
    # object columns: pandas would turn None into NaN and whole numbers into floats
    return pd.DataFrame(ordered, columns=list(COLUMNS), dtype=object)


def frame_of(store: Store, specs: Sequence[RunSpec]) -> pd.DataFrame:
    """Return the rows of these runs alone, in their order and under their names.

    The columns are those of `load_frame`; a run that neither ended nor failed is ``missing``.
    """
    found = []
    for order, spec in enumerate({spec.id: spec for spec in specs}.values()):
        failure = store.failure(spec.id)
        if store.has(spec.id):
            own = _finished(store.read(spec.id), spec)
        elif failure is not None:
            own = _asked(spec, "failed", error=one_line(failure.error))
        else:
            own = _asked(spec, "missing")
        found += [row | {"id": spec.id, "order": order} for row in own]
    return pd.DataFrame(found, columns=list(COLUMNS), dtype=object)


def _asked(spec: RunSpec, status: str, **more: Any) -> list[dict[str, Any]]:
    call = print_call(spec.method, spec.given)
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    model, protocol = spec.model, spec.protocol
    name, pretrained = model.name, model.pretrained
    if model.fingerprint:  # a local file: its name is enough, where it lies is nobody's business
        name, pretrained = (
            PurePath(part).name if "/" in part else part for part in (name, pretrained)
        )
    row |= {
        "status": status,
        "label": one_line(spec.label or call) or spec.method,
        "call": call,
        "method": spec.method,
        "given": spec.given,
        "config": spec.config,
        "model": f"{name}/{pretrained}" if pretrained else name,
        "precision": spec.model.precision,
        "model_fingerprint": spec.model.fingerprint,
        "dataset": spec.dataset.name,
        "dataset_options": json.dumps(spec.dataset.options, sort_keys=True, ensure_ascii=False),
        "dataset_fingerprint": spec.dataset.fingerprint,
        "protocol": protocol.name,
        "test_on": protocol.test_on,
        "holdout_fraction": protocol.holdout_fraction,
        "disjoint_groups": protocol.disjoint_groups,
        "shots": protocol.shots,
        "source": protocol.source,
        "fixed_splits": protocol.fixed_splits,
        "test_resize": protocol.test_resize,
        "asked_selection": spec.selection,
        "seed": spec.seed,
        "data_seed": spec.data_seed,
    }
    return [
        row | {"target": one_line(target), "measure": measure} | more
        for target, measure in spec.protocol.cells(spec.target)
    ]


def _finished(record: RunRecord, spec: RunSpec) -> list[dict[str, Any]]:
    metrics, made = record.metrics, record.provenance
    if not metrics.tests or any(score.n == 0 for score in metrics.tests.values()):
        return _asked(spec, "failed", error="the record has no test images")
    shared = {
        "model_fingerprint": record.model_fingerprint,
        "dataset_fingerprint": record.dataset_fingerprint,
        "selection": metrics.selection,
        "source_val": _mean(metrics.source_val),
        "zero_shot_val": _mean(metrics.zero_shot_val),
        "selected_step": metrics.selected_step,
        "step_ms": made.step_ms,
        "wall_s": made.wall_s,
        "peak_memory_mb": made.peak_memory_mb,
        "trained_parameters": record.trained_parameters,
        "total_parameters": record.total_parameters,
        "device": made.device,
        "tests": tuple(metrics.tests),
    }
    values = spec.protocol.measured(spec.target, metrics.tests)
    rows = []
    for row in _asked(spec, "done", **shared):
        value = values[row["target"], row["measure"]]
        score = metrics.tests.get("target") or metrics.tests.get(
            row["target"], metrics.tests.get(row["measure"])
        )
        rows.append(row | {
            "accuracy": 100 * value,
            # An average H is the H of the averages (CoCoOp's tables), so H's rows carry both.
            "parts": (100 * values[row["target"], "base"], 100 * values[row["target"], "new"])
            if row["measure"] == "H" else None,
            "n": score.n if score else sum(s.n for s in metrics.tests.values()),
            "correct": score.correct if score else None,
        })  # fmt: skip
    return rows


def _mean(scores: Mapping[str, Score]) -> float | None:
    known = [100 * score.accuracy for score in scores.values() if score.n]
    return statistics.fmean(known) if known else None
