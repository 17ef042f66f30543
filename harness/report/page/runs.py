"""What the page holds of every run: equal parts once, logs only their last lines."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.report.runs.index import index_of
from harness.specs import RunSpec
from harness.store.records import Failure, RunRecord, Score
from harness.store.store import Store
from harness.sweep.calls import one_line
from harness.tune.choice import rows_of

FIELDS = (
    "id",
    "status",
    "label",
    "target",
    "seed",
    "data_seed",
    "spec",
    "config",
    "given",
    "content",
    "environment",
    "tests",
    "source_val",
    "zero_shot_val",
    "training",
    "cost",
    "predictions",
    "log",
    "failure",
)
"""The columns of a run's line in the page's data."""
POOLED = frozenset({"spec", "config", "given", "content", "environment", "zero_shot_val"})
"""Of these the line has the number in the pool: most runs share them."""
LONGEST, ALL_TEXTS = 4_000, 4_000_000
"""Characters of one log or traceback, and of all together: a run's share is smaller in a large
store, so that the page can still be opened."""


class Pool:
    """Values, each kept once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._at: dict[str, int] = {}

    def add(self, value: Any) -> int:
        """Return the value's number."""
        text = json.dumps(value, sort_keys=True, default=str)
        if text not in self._at:
            self._at[text] = len(self.values)
            self.values.append(finite(value))
        return self._at[text]


def page_data(
    store: Store,
    runs: Mapping[str, tuple[str, str]],
    record_of: Callable[[str], RunRecord],
) -> dict[str, Any]:
    """Return what the page embeds: ``fields``, ``pooled``, ``pool`` and a line for each run.

    Args:
        store: Of failures, plans and logs.
        runs: Id to status and label, in the order of the page.
        record_of: Reads a finished one's record; called once for each of them.
    """
    failures = {failure.id: failure for failure in store.failures()}
    specs: dict[str, RunSpec] = {}
    if any(status != "done" for status, _ in runs.values()):
        specs = {spec.id: spec for plan in store.plans() for spec in rows_of(plan, store)}
    # a record that its predictions contradict is no result, and perhaps of no plan
    contradictory = index_of(store).contradictory
    share = min(LONGEST, ALL_TEXTS // max(1, len(runs)))
    pool = Pool()
    lines = []
    for run_id, (status, label) in runs.items():
        record = record_of(run_id) if status == "done" else None
        failure = failures.get(run_id)
        known = record or failure or (store.read(run_id) if run_id in contradictory else None)
        spec = known.spec if known else specs[run_id]
        values = _of_spec(spec) | _of_record(record) | _of_failure(failure, share)
        values |= {
            "id": run_id,
            "status": status,
            "label": label,
            "log": _log(store, run_id, share),
        }
        line = ((field, values.get(field)) for field in FIELDS)
        lines.append(
            [
                pool.add(value) if field in POOLED and value is not None else finite(value)
                for field, value in line
            ]
        )
    pooled = [field for field in FIELDS if field in POOLED]
    return {"fields": list(FIELDS), "pooled": pooled, "pool": pool.values, "runs": lines}


def _of_spec(spec: RunSpec) -> dict[str, Any]:
    content = spec.content()  # of a local model its hash, not its path
    shared = {key: content[key] for key in ("method", "model", "dataset", "protocol", "selection")}
    return {
        "target": one_line(spec.target),
        "seed": spec.seed,
        "data_seed": spec.data_seed,
        "spec": shared,
        "config": spec.config,
        "given": spec.given,
    }


def _of_record(record: RunRecord | None) -> dict[str, Any]:
    if record is None:
        return {}
    metrics, made = record.metrics, record.provenance
    return {
        "content": {
            "data set fingerprint": record.dataset_fingerprint,
            "model fingerprint": record.model_fingerprint,
            "classes": len(record.class_names),
            "classes trained on": len(record.trained_classes),
            "parameters": record.total_parameters,
            "trained parameters": record.trained_parameters,
            "cite": record.citation,
        },
        "environment": {
            "device": made.device,
            "GPU": made.gpu,
            "runs on it": made.runs_per_gpu,
            "settings": made.settings,
            "threads": made.threads,
            "host": made.host,
            "code": made.git,
            "versions": made.versions,
            "command": made.command,
        },
        "tests": _scores(metrics.tests),
        "source_val": _scores(metrics.source_val),
        "zero_shot_val": _scores(metrics.zero_shot_val),
        "training": {
            "weights tested": metrics.selection,
            "of step": metrics.selected_step,
            "losses": {name: [_short(x) for x in own] for name, own in metrics.losses.items()},
        },
        "cost": {
            "started": made.started,
            "wall time (s)": made.wall_s,
            "step (ms)": made.step_ms,
            "peak memory (MB)": made.peak_memory_mb,
            "energy (J)": made.energy_j,
            "resumed": made.resumed,
        },
        "predictions": record.predictions_sha256,
    }


def _of_failure(failure: Failure | None, share: int) -> dict[str, Any]:
    if failure is None:
        return {}
    return {
        "failure": {
            "error": failure.error[:LONGEST],
            "traceback": last(failure.traceback, share),
            "when": failure.when,
            "attempts": failure.attempts,
        }
    }


def _scores(scores: Mapping[str, Score]) -> dict[str, list[int]]:
    return {name: [score.correct, score.n] for name, score in scores.items()}


def _log(store: Store, run_id: str, share: int) -> str | None:
    for folder in (store.run_dir(run_id), store.work_dir(run_id)):
        text = _end_of(folder / "log.txt", 4 * share)
        if text is not None:
            return last(text, share)
    return None


def _end_of(path: Path, size: int) -> str | None:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - size))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return None


def last(text: str, limit: int) -> str:
    """Return the last whole lines of `text` within `limit` characters, marked if any are gone."""
    text = text.rstrip()
    if len(text) <= limit:
        return text
    end = text[-limit:]
    return "…\n" + (end.split("\n", 1)[1] if "\n" in end else end)


def _short(x: float) -> float:
    return float(f"{x:.5g}")


def finite(value: Any) -> Any:
    """Return `value` with infinities and NaN as text: JSON has no such numbers."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): finite(own) for key, own in value.items()}
    if isinstance(value, Sequence):
        return [finite(own) for own in value]
    return value


def ranges(numbers: Iterable[int]) -> str:
    """Return whole numbers as ``0-3,7``, in their order."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
