"""Add what an archive brings to a store; what is there stays as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.store.exchange.archive import plan_text
from harness.store.exchange.verify import Received, received
from harness.store.files import write_atomically
from harness.store.records import Record, RunRecord, SweepPlan
from harness.store.redact import safe_plan, safe_record
from harness.store.store import Store


@dataclass
class Merged:
    """What a merge did, or would do."""

    problems: list[str] = field(default_factory=list)
    """What is wrong with archives; nothing was added then."""
    added: list[str] = field(default_factory=list)
    """Ids of new runs."""
    equal: list[str] = field(default_factory=list)
    """Ids of runs that were there already, with the same results."""
    plans: list[str] = field(default_factory=list)
    """Names of new sweeps."""
    conflicts: list[str] = field(default_factory=list)
    """One line for each run or sweep that differs from what was there."""


def merge(files: Sequence[Path], store: Store, dry_run: bool = False) -> Merged:
    """Check all archives, then add what is new in them, in their order.

    A run that is there already with the same results is left out. One with other results is a
    conflict: ours stays, and theirs is written to ``<store>/conflicts/`` beside what differs. The
    loss curves are no results: their last digits differ between machines.

    Args:
        files: The archives.
        store: Made if it is not there.
        dry_run: Only say what would be done.

    Raises:
        UserError: If a file cannot be opened.
    """
    done = Merged()
    with ExitStack() as stack:
        archives = [stack.enter_context(received(file)) for file in files]
        for archive in archives:
            done.problems += [f"{archive.file}: {problem}" for problem in archive.problems]
        if not done.problems:
            ours = {record.id: record for record in store.records()}
            plans = {plan.name: plan for plan in store.plans()}
            for archive in archives:
                labels = {record.id: safe_record(record).spec.label for record in ours.values()}
                _runs(archive, store, ours, done, dry_run)
                _plans(archive, store, plans, labels, done, dry_run)
    return done


def _runs(
    archive: Received, store: Store, ours: dict[str, RunRecord], done: Merged, dry_run: bool
) -> None:
    for theirs in archive.store.records():
        if theirs.id not in ours:
            folder = archive.store.run_dir(theirs.id)
            predictions = (folder / "predictions.npz").read_bytes()
            if dry_run or store.write(theirs, predictions, folder / "log.txt"):
                ours[theirs.id] = theirs
                done.added.append(theirs.id)
                continue
            ours[theirs.id] = store.read(theirs.id)  # made here in this very moment
        differs = _differing(ours[theirs.id], theirs)
        if not differs:
            done.equal.append(theirs.id)
            continue
        what = "; ".join(f"{name}: ours {a}, theirs {b}" for name, (a, b) in differs.items())
        line = f"run {theirs.id} ({theirs.spec.title()}): {what}"
        done.conflicts.append(f"{archive.file}: {line}")
        if not dry_run:
            _keep(store, theirs.id, archive.file, line, safe_record(ours[theirs.id]), theirs)


def _differing(ours: RunRecord, theirs: RunRecord) -> dict[str, tuple[Any, Any]]:
    """Return field -> (ours, theirs) for what two runs of one identity should have in common."""
    found = {}
    for name in ("dataset_fingerprint", "model_fingerprint"):
        pair = getattr(ours, name), getattr(theirs, name)
        if pair[0] != pair[1]:
            found[name] = pair
    for key in sorted({*ours.other_data, *theirs.other_data}):
        others = (ours.other_data.get(key), theirs.other_data.get(key))
        a, b = (other.fingerprint if other else "none" for other in others)
        if a != b:
            found[f"other_data.{key}"] = a, b
    for name in ("tests", "source_val", "zero_shot_val"):
        a, b = getattr(ours.metrics, name), getattr(theirs.metrics, name)
        for key in sorted({*a, *b}):
            if a.get(key) != b.get(key):
                found[f"{name}.{key}"] = _counts(a.get(key)), _counts(b.get(key))
    labels = safe_record(ours).spec.label, safe_record(theirs).spec.label
    if labels[0] != labels[1]:  # a table would call our run what they call it
        found["label"] = labels
    for name in ("selection", "selected_step"):
        pair = getattr(ours.metrics, name), getattr(theirs.metrics, name)
        if pair[0] != pair[1]:
            found[name] = pair
    return found


def _counts(score: Any) -> str:
    return f"{score.correct}/{score.n}" if score else "none"


def _plans(
    archive: Received,
    store: Store,
    ours: dict[str, SweepPlan],
    labels: Mapping[str, str],
    done: Merged,
    dry_run: bool,
) -> None:
    for theirs in archive.store.plans():
        name = theirs.name
        if name in ours and plan_text(ours[name]) == plan_text(theirs):
            continue
        renamed = [
            f"run {run_id} is '{labels[run_id]}' here and '{' or '.join(names)}' there"
            for run_id, names in _names(safe_plan(theirs)).items()
            if run_id in labels and labels[run_id] not in names
        ]
        if renamed:
            line = f"sweep '{name}' renames {len(renamed)} of our runs: {renamed[0]}"
        elif name in ours:
            line = f"sweep '{name}' is another plan here; ours stays, their runs count as unplanned"
        else:
            ours[name] = theirs
            done.plans.append(name)
            if not dry_run:
                store.write_plan(theirs)
            continue
        done.conflicts.append(f"{archive.file}: {line}")
        if not dry_run:
            _keep(store, f"sweep-{name}", archive.file, line, ours.get(name), theirs)


def _names(plan: SweepPlan) -> dict[str, list[str]]:
    """Return what a plan calls each run that it may put into a table, or keep out of them."""
    names: dict[str, list[str]] = {}
    for spec in (*plan.runs, *plan.trials, *plan.possible_finals()):
        names.setdefault(spec.id, []).append(spec.label)
    return names


def _keep(
    store: Store, name: str, file: Path, line: str, ours: Record | None, theirs: Record
) -> None:
    report = {
        "archive": file.name,
        "what": line,
        "ours": ours and ours.model_dump(mode="json"),
        "theirs": theirs.model_dump(mode="json"),
    }
    text = json.dumps(report["theirs"], sort_keys=True).encode()
    path = store.root / "conflicts" / f"{name}.{hashlib.sha256(text).hexdigest()[:8]}.json"
    write_atomically(path, json.dumps(report, indent=1, ensure_ascii=False).encode())
