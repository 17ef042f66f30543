"""Run some of others' runs again and compare: does an archive's number come out here, too?"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import registry
from harness.errors import UserError
from harness.execution.local import run_local
from harness.execution.place import place
from harness.source import source_hash
from harness.specs import RunSpec
from harness.store.records import RunRecord
from harness.store.store import Store
from harness.sweep.plan import identify, open_dataset


@dataclass(frozen=True)
class Repeated:
    """What came of one run."""

    spec: RunSpec
    equal: bool | None
    """None: it could not be repeated here."""
    text: str


def sampled(store: Store, count: int, salt: str) -> list[RunRecord]:
    """Return some of a store's records, by a hash that whoever sends them cannot choose.

    Args:
        store: Of the records.
        count: How many.
        salt: Known to who asks alone: without it a sender knows which runs are looked at.
    """

    def rank(record: RunRecord) -> str:
        return hashlib.sha256(f"{salt} {record.id}".encode()).hexdigest()

    return sorted(store.records(), key=rank)[:count]


def repeat(records: list[RunRecord], data_root: Path | None) -> Iterator[Repeated]:
    """Run each again in a store of its own; yield whether metrics and predictions are equal."""
    for record in records:
        why = _missing(record, data_root)
        if why:
            yield Repeated(record.spec, None, f"not repeated: {why}")
            continue
        with tempfile.TemporaryDirectory(prefix="repeat-") as folder:
            context, gpus = place(Path(folder), data_root, threads=record.provenance.threads)
            outcome = run_local([record.spec], context, gpus[:1])
            if outcome.failed:
                yield Repeated(record.spec, False, f"fails here: {outcome.failed[0][1]}")
                continue
            own = Store(Path(folder)).read(record.id)
        yield _compared(record, own)


def _compared(record: RunRecord, own: RunRecord) -> Repeated:
    here, there = _results(own), _results(record)
    if here == there:
        same = own.predictions_sha256 == record.predictions_sha256
        text = "equal, predictions to the byte" if same else "equal counts, other confidences"
        return Repeated(record.spec, True, text)
    differing = ", ".join(
        f"{name} {here.get(name, 'none')} here, {there.get(name, 'none')} there"
        for name in {**here, **there}
        if here.get(name) != there.get(name)
    )
    return Repeated(record.spec, False, f"differs: {differing}")


def _results(record: RunRecord) -> dict[str, str]:
    """Return by name all that tables say of a run that its predictions do not."""
    metrics = record.metrics
    groups = {
        "": metrics.tests,
        "source_val ": metrics.source_val,
        "zero_shot_val ": metrics.zero_shot_val,
    }
    return {
        f"{group}{name}": f"{score.correct} of {score.n}"
        for group, scores in groups.items()
        for name, score in scores.items()
    } | {
        "selection": metrics.selection,
        "selected_step": str(metrics.selected_step),
        "trained_parameters": str(record.trained_parameters),
    }


def _missing(record: RunRecord, data_root: Path | None) -> str:
    """Return what is not at hand to run a record's spec again."""
    spec = record.spec
    try:
        method = registry.method_class(spec.method)
        if source_hash(method) != record.method_source:
            return f"method '{spec.method}' is other code here"
        opened = open_dataset(spec.dataset, data_root)
        model, dataset = identify(
            spec.model.model_copy(update={"fingerprint": ""}), spec.dataset, opened
        )
    except UserError as error:
        return str(error)
    if model.fingerprint != spec.model.fingerprint or dataset != spec.dataset:
        return "model or data are others here"
    return ""
