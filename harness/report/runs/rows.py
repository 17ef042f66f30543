"""One row for each run, target and measure: what was asked for, and what came out."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Literal

from harness.protocols import Protocol
from harness.specs import ELSEWHERE, DatasetSpec, ModelSpec, RunSpec
from harness.store.records import RunRecord, Score
from harness.sweep.calls import one_line, print_call

RunStatus = Literal["done", "failed", "missing"]
SeedKey = tuple[int, int]
"""A run's seed and that of its splits."""
TaskKey = tuple[str, str]
"""Data set and held-out domain."""


@dataclass(frozen=True)
class RunRow:
    """A run's value of one measure on one target, in percent.

    What is not known is None: of a run that is not done, everything from `selection` on.

    Of weights trained elsewhere, method and model are `ELSEWHERE`, so that nothing takes them for a
    method of ours or for its backbone; `config` then says which weights.
    """

    id: str
    status: RunStatus
    """``done``, ``failed``, or ``missing``: planned by a sweep, but neither recorded nor failed."""
    label: str
    call: str
    """``method[param=value]`` as it was given."""
    method: str
    given: str
    """JSON: the parameters that were given."""
    config: str
    """JSON: the complete configuration."""
    model: str
    precision: str
    model_fingerprint: str
    dataset: str
    dataset_options: str
    """JSON."""
    dataset_fingerprint: str
    protocol: str
    measure: str
    test_on: str
    holdout_fraction: float
    disjoint_groups: bool
    shots: int
    source: str
    fixed_splits: bool
    test_resize: str
    protocol_options: str
    """JSON: what the protocol has of its own."""
    tuned: str
    """Of a row whose values were chosen from trials: how, in a sentence; `config` then has only
    what its runs share."""
    asked_selection: str
    asked_target: str
    """The run's; `target` may be a part of it."""
    target: str
    seed: int
    data_seed: int
    test_set: str
    """What the measure is over, empty if over several."""
    selection: str | None = None
    """The weights that were tested: `last`, `averaged`, `best`."""
    accuracy: float | None = None
    """The measure's value, whatever the measure."""
    base: float | None = None
    """Of a harmonic mean: the accuracy on base classes. An average H is the H of averages."""
    new: float | None = None
    n: int | None = None
    correct: int | None = None
    source_val: float | None = None
    """Mean over the source domains' validation parts."""
    zero_shot_val: float | None = None
    """The same before training."""
    selected_step: int | None = None
    step_ms: float | None = None
    wall_s: float | None = None
    peak_memory_mb: float | None = None
    trained_parameters: int | None = None
    total_parameters: int | None = None
    device: str | None = None
    tests: str | None = None
    """JSON: the test sets' names, in the order of the stored predictions."""
    method_source: str | None = None
    """Hash of the code that the method was: runs of different code are different rows."""
    error: str | None = None


def asked(run_id: str, spec: RunSpec, status: RunStatus, error: str | None = None) -> list[RunRow]:
    """Return the rows of a run of which only the spec is known."""
    protocol = spec.protocol
    label, call, given = _names(spec)
    return [
        RunRow(
            id=run_id,
            status=status,
            label=label,
            call=call,
            method=ELSEWHERE if spec.model.elsewhere else spec.method,
            given=given,
            config=_json(_weights(spec.model) if spec.model.elsewhere else spec.config),
            model=_model(spec.model),
            precision=spec.model.numerics,
            model_fingerprint="" if spec.model.elsewhere else spec.model.fingerprint,
            dataset=spec.dataset.name,
            dataset_options=_json(_options(spec.dataset), sort_keys=True),
            dataset_fingerprint=spec.dataset.fingerprint,
            protocol=protocol.name,
            measure=measure,
            test_on=protocol.test_on,
            holdout_fraction=protocol.holdout_fraction,
            disjoint_groups=protocol.disjoint_groups,
            shots=protocol.shots,
            source=protocol.source,
            fixed_splits=protocol.fixed_splits,
            test_resize=protocol.test_resize,
            tuned="",
            protocol_options=_json(protocol.model_dump(exclude=set(Protocol.model_fields))),
            asked_selection=spec.selection,
            asked_target=one_line(spec.target),
            target=one_line(target),
            seed=spec.seed,
            data_seed=spec.data_seed,
            test_set=protocol.test_set(target, measure),
            error=error,
        )
        for target, measure in protocol.cells(spec.target)
    ]


def renamed(row: RunRow, spec: RunSpec) -> RunRow:
    """Return a run's row under the names that `spec`, of the same content, gives it."""
    label, call, given = _names(spec)
    return replace(row, model=_model(spec.model), label=label, call=call, given=given)


def _names(spec: RunSpec) -> tuple[str, str, str]:
    call = print_call(spec.method, spec.given)
    label = one_line(spec.label or call) or spec.method
    if spec.model.elsewhere:
        call = label = f"{label} (trained elsewhere)"
    return label, call, _json(spec.given)


def finished(record: RunRecord, contradiction: str) -> list[RunRow]:
    """Return the rows of a record.

    One that its own predictions contradict has failed: nobody knows which of the two is right.
    """
    metrics, made = record.metrics, record.provenance
    if why := contradiction or ("" if metrics.tests else "no test images"):
        return asked(record.id, record.spec, "failed", f"contradictory record: {why}")
    source = record.method_source or None
    if record.id != record.spec.id:  # the engine gave other numbers then
        source = f"earlier {source or ''}"
    shares = record.spec.protocol.measured(record.spec.target, metrics.tests)
    rows = []
    elsewhere = record.spec.model.elsewhere
    cells = record.spec.protocol.cells(record.spec.target)
    for row, at in zip(asked(record.id, record.spec, "done"), cells, strict=True):
        target, measure = at
        harmonic = measure == "H"
        score = metrics.tests.get(row.test_set)
        rows.append(
            replace(
                row,
                model_fingerprint="" if elsewhere else record.model_fingerprint,
                dataset_fingerprint=record.dataset_fingerprint,
                selection=None if elsewhere else metrics.selection,
                accuracy=100 * shares[at],
                base=100 * shares[target, "base"] if harmonic else None,
                new=100 * shares[target, "new"] if harmonic else None,
                n=score.n if score else sum(s.n for s in metrics.tests.values()),
                correct=score.correct if score else None,
                source_val=_mean(metrics.source_val),
                zero_shot_val=_mean(metrics.zero_shot_val),
                selected_step=metrics.selected_step,
                step_ms=made.step_ms,
                wall_s=made.wall_s,
                peak_memory_mb=made.peak_memory_mb,
                trained_parameters=record.trained_parameters,
                total_parameters=record.total_parameters,
                device=made.device,
                method_source=source,
                tests=_json(list(metrics.tests)),
            )
        )
    return rows


def _json(value: Any, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=sort_keys)


def _options(dataset: DatasetSpec) -> dict[str, Any]:
    """Return the options without where a file of splits lies."""
    shown = dict(dataset.options)
    if shown.pop("splits_sha256", None):
        shown["splits"] = PurePath(str(shown["splits"])).name
    return shown


def _weights(model: ModelSpec) -> dict[str, Any]:
    """Return what tells weights trained elsewhere apart, and from whence they are."""
    more = {key: getattr(model, key) for key in ("preprocess", "base") if getattr(model, key)}
    if more.get("base") and model.fingerprint:
        more["base"] = PurePath(more["base"]).name
    title = _model(model.model_copy(update={"elsewhere": False}))
    return {"model": title, "weights": model.fingerprint, **more}


def _model(model: ModelSpec) -> str:
    if model.elsewhere:
        return ELSEWHERE
    name, pretrained = model.name, model.pretrained
    if model.fingerprint:  # a local file: its name is enough, where it lies is nobody's business
        name, pretrained = (PurePath(p).name if "/" in p else p for p in (name, pretrained))
    return f"{name}/{pretrained}" if pretrained else name


def _mean(scores: Mapping[str, Score]) -> float | None:
    known = [100 * score.accuracy for score in scores.values() if score.n]
    return statistics.fmean(known) if known else None
