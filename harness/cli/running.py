"""Running specs on this machine: what `run`, `sweep run` and `quickstart` share."""

from __future__ import annotations

import argparse
import itertools
import shlex
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel
from rich.table import Table

from harness import registry
from harness.command_name import command_name
from harness.console.notes import note, verbose, warn
from harness.console.progress import duration
from harness.console.terminal import Terminal
from harness.errors import UserError, unknown_name
from harness.execution.context import LIMITS, Context, default_cache
from harness.execution.estimate import PUBLISHED_STEP, Durations, published_seconds
from harness.execution.local import Outcome, run_local
from harness.execution.place import place
from harness.execution.towers import check_models
from harness.specs import RunSpec
from harness.store.leftovers import sweep as sweep_leftovers
from harness.store.records import SweepPlan
from harness.store.store import Store
from harness.sweep.calls import one_line
from harness.sweep.plan import open_dataset
from harness.training.logging import resolved


def parse_seeds(text: str) -> list[int]:
    """Return the seeds of ``0,1,2`` or ``0-2``.

    Raises:
        UserError: If it is neither.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            seeds += range(int(first), int(last) + 1) if dash else [int(first)]
        except ValueError:
            raise UserError(f"--seeds {text}: write 0,1,2 or 0-2") from None
    if not seeds:
        raise UserError(f"--seeds {text}: no seed in it; write 0,1,2 or 0-2")
    return seeds


class Prepared(BaseModel):
    """Runs that were planned, and where they happen."""

    specs: tuple[RunSpec, ...]
    store: Path
    """As it was given; the context has it whole."""
    context: Context
    gpus: tuple[str, ...]
    fail_fast: bool


def prepare(
    specs: list[RunSpec],
    args: argparse.Namespace,
    store: Path,
    planned: SweepPlan | None = None,
    keep_weights: bool = False,
) -> Prepared | None:
    """Check runs and make the store ready for them; with ``--dry-run`` say what they are: None.

    Args:
        specs: The runs.
        args: The options of `options.where`.
        store: Where results go.
        planned: The sweep they belong to, if any; kept in the store.
        keep_weights: Leave the tested weights beside the records.

    Raises:
        UserError: What is wrong with the options or the models.
    """
    for origin, why in registry.not_loaded().items():
        warn(f"not loaded: {origin}: {why}")
    again = _again(specs, getattr(args, "again", []))
    specs = _each_once(specs)
    if args.limit is not None:
        missing = [spec for spec in specs if not Store(store).has(spec.id)]
        specs = missing[: args.limit]
    check_models(specs, args.cache_dir or default_cache())
    say_data_notes(specs, args.data_root)
    if args.dry_run:
        resolved(args.log)
        print_plan(specs, Store(store), [Store(path) for path in getattr(args, "records", [])])
        return None
    context, gpus = place(
        store, args.data_root, args.cache_dir, args.device, args.threads, args.workers, args.log,
        args.runs_per_gpu,
    )  # fmt: skip
    Store(store).prepare()
    sweep_leftovers(store, *([context.cache] if context.cache else []))
    if planned is not None:
        Store(store).write_plan(planned)
    for run_id in again & {spec.id for spec in specs}:
        if Store(store).has(run_id):
            Store(store).set_aside(run_id)
    limits = {name: getattr(args, name) for name in LIMITS}
    context = context.model_copy(update={"keep_weights": keep_weights, **limits})
    _say_other_code(specs, Store(store))
    return Prepared(
        specs=tuple(specs),
        store=store,
        context=context,
        gpus=tuple(gpus),
        fail_fast=args.fail_fast,
    )


def carry_out(prepared: Prepared | None, ready: subprocess.Popen[str] | None = None) -> int:
    """Run what is missing of what was prepared, if anything is to be run; return the exit status.

    Args:
        prepared: Of `prepare`.
        ready: See `run_local`.
    """
    if prepared is None:
        return 0
    store = prepared.store
    outcome = run_local(prepared.specs, prepared.context, prepared.gpus, prepared.fail_fast, ready)
    status = conclude(outcome, store)
    if prepared.context.keep_weights:
        _say_without_weights(prepared.specs, Store(store))
    return status


def _each_once(specs: Sequence[RunSpec]) -> list[RunSpec]:
    """Return each run once; say which rows are the same, for a table shows what ran, not labels."""
    first: dict[str, RunSpec] = {}
    for spec in specs:
        first.setdefault(spec.id, spec)
    same = {(first[spec.id].label, spec.label): spec.dataset.name for spec in specs}
    for (one, other), dataset in same.items():
        if one != other:
            warn(
                f"rows '{one}' and '{other}' are the same runs on {dataset}: its tables have them "
                f"once, as '{one}'"
            )
    return list(first.values())


def _again(specs: Sequence[RunSpec], asked: Sequence[str]) -> set[str]:
    """Return the ids of the runs that ``--again`` means."""
    known = {name for spec in specs for name in (spec.method, spec.label)}
    for name in asked:
        if name != "all" and name not in known:
            raise unknown_name("method or row", name, known, "in --again")
    every = "all" in asked
    return {s.id for s in specs if every or s.method in asked or s.label in asked}


def _say_other_code(specs: Sequence[RunSpec], store: Store) -> None:
    """Say which records were made by a method's code as it was before an edit."""
    now = registry.method_sources(spec.method for spec in specs)
    other = Counter(
        spec.method
        for spec in specs
        if store.has(spec.id) and store.read(spec.id).method_source not in ("", now[spec.method])
    )
    for method, count in other.items():
        warn(
            f"{count} run(s) of {method} were done with its code as it was before; --again repeats "
            "them, and tables show them as a row of their own"
        )


def _say_without_weights(specs: Sequence[RunSpec], store: Store) -> None:
    without = [spec for spec in specs if store.has(spec.id) and not store.has_weights(spec.id)]
    if without:
        warn(
            f"{len(without)} run(s) were done before without weights, and a record never changes: "
            "run them into a new --store to have the weights"
        )


def say_data_notes(specs: Sequence[RunSpec], root: Path | None) -> None:
    """Say what small data sets leave out or lack; a large one is listed by `data verify` alone."""
    datasets = {data.model_dump_json(): data for spec in specs for data in spec.data()}.values()
    lines: list[str] = []
    for dataset in datasets:
        if registry.dataset_class(dataset.name).small:
            opened = open_dataset(dataset, root)
            lines += opened.notes()
            own = [spec for spec in specs if spec.dataset == dataset]
            asked = {(s.protocol.model_dump_json(), s.target): s for s in reversed(own)}
            for spec in reversed(asked.values()):  # of each the first data seed
                lines += spec.protocol.notes(opened, spec.target, spec.data_seed)
    for line in dict.fromkeys(lines):
        note(f"note: {one_line(line)}")


def conclude(outcome: Outcome, store: Path) -> int:
    """Say what came of it and what to do next; return the exit status."""
    words = [f"{outcome.done} run(s) done"]
    if outcome.skipped:
        words.append(f"{outcome.skipped} were done before")
    if outcome.busy:
        words.append(f"{outcome.busy} left to another process")
    if outcome.failed:
        words.append(f"{len(outcome.failed)} failed")
    note("; ".join(words) + f". Store: {store}")
    for spec, error in outcome.failed[:5]:
        warn(f"failed: {spec.title()}: {error}")
        failure = Store(store).failure(spec.id) if verbose() else None
        if failure is not None:
            warn(failure.traceback)
    if outcome.failed:
        warn(f"tracebacks: {store}/failures/; the same command tries again")
    if outcome.done + outcome.skipped:
        where = shlex.quote(str(store))
        note(f"table: {command_name()} report --store {where}")
    if outcome.interrupted:
        warn("stopped; the same command continues where it stopped")
        return 130
    # what another process holds is not done yet: a script must not take it for done
    return 1 if outcome.failed or outcome.busy else 0


def print_plan(specs: list[RunSpec], store: Store, others: Sequence[Store] = ()) -> None:
    """Print the runs by method and target, what is done, and how long the rest takes.

    Args:
        specs: The runs.
        store: Where they are, or will be.
        others: More stores whose records tell how long a run takes.
    """
    ids = [spec.id for spec in specs]
    state = {run_id: state_of(store, run_id) for run_id in ids}
    console = Terminal()
    groups: dict[tuple[str, str], list[tuple[RunSpec, str]]] = {}
    for spec, run_id in zip(specs, ids, strict=True):
        groups.setdefault((spec.dataset.name, spec.model.title()), []).append((spec, state[run_id]))
    for (dataset, model), members in groups.items():
        cells: dict[tuple[str, str], list[str]] = {}
        for spec, how in members:
            cells.setdefault((spec.label, spec.target), []).append(how)
        targets = list(dict.fromkeys(target for _, target in cells))
        title = f"{dataset}, {model}: {len(members)} runs"
        table = Table(title=title, title_justify="left")
        table.add_column("method")
        for target in targets:
            table.add_column(target, justify="right")
        for label in dict.fromkeys(label for label, _ in cells):
            own = [cells.get((label, target), []) for target in targets]
            table.add_row(label, *(f"{cell.count('done')}/{len(cell)} done" for cell in own))
        console.print(table)
    counts = Counter(state.values())
    parts = ", ".join(f"{counts[k]} {k}" for k in ("done", "failed", "missing"))
    console.print(f"{len(state)} runs: {parts}; store: {store.root}", markup=False, soft_wrap=True)
    left = [spec for spec, run_id in zip(specs, ids, strict=True) if state[run_id] != "done"]
    if left:
        records = itertools.chain.from_iterable(s.records() for s in (store, *others))
        durations = Durations(records)
        console.print(_by_method(left, durations))
        console.print(hours(left, durations), markup=False, soft_wrap=True)


def _by_method(specs: Sequence[RunSpec], durations: Durations) -> Table:
    """Return hours and peak memory of what is left of each method; unknown where nothing tells."""
    measured = [durations.seconds(spec) for spec in specs]
    rest = [i for i, seconds in enumerate(measured) if seconds is None]
    guesses = dict(zip(rest, published_seconds([specs[i] for i in rest]), strict=True))
    table = Table(title="what is left", title_justify="left")
    for head in ("method", "runs", "hours", "peak memory"):
        table.add_column(head, justify="left" if head == "method" else "right")
    for label in dict.fromkeys(spec.label for spec in specs):
        own = [i for i, spec in enumerate(specs) if spec.label == label]
        times = [guesses[i] if i in guesses else measured[i] for i in own]
        total = sum(seconds for seconds in times if seconds is not None)
        hours = "unknown" if None in times else f"{total / 3600:.2f}"
        peaks = [durations.memory_mb(specs[i]) for i in own]
        known = [peak for peak in peaks if peak is not None]
        memory = f"{max(known) / 1024:.1f} GiB" if len(known) == len(own) else "unknown"
        guessed = "~" if any(i in guesses for i in own) and None not in times else ""
        table.add_row(label, str(len(own)), f"{guessed}{hours}", memory)
    return table


def state_of(store: Store, run_id: str) -> str:
    """Return ``done``, ``failed`` or ``missing``."""
    if store.has(run_id):
        return "done"
    return "failed" if store.failure(run_id) else "missing"


def hours(specs: Sequence[RunSpec], durations: Durations) -> str:
    """Return a line on how long the runs take one worker, and what that is taken from."""
    known = [s for s in (durations.seconds(spec) for spec in specs) if s is not None]
    rest = [spec for spec in specs if durations.seconds(spec) is None]
    guesses = [seconds for seconds in published_seconds(rest) if seconds is not None]
    guessed, rough = len(guesses), sum(guesses)
    parts = []
    if known:
        devices = ", ".join(sorted(durations.devices))
        parts.append(f"{len(known)} run(s) take about {duration(sum(known))} of one worker's time, "
                     f"by earlier records on {devices}")  # fmt: skip
    if guessed:
        parts.append(f"{guessed} run(s) about {rough / 3600:.1f} GPU hours, a rough guess "
                     f"from {PUBLISHED_STEP}")  # fmt: skip
    if unknown := len(rest) - guessed:
        parts.append(f"{unknown} run(s): duration unknown, no earlier records (--records STORE)")
    return "; ".join(parts)
