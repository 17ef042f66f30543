"""Give runs to Slurm, or with ``--dry-run`` show what would be given."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from harness import registry, resources
from harness.cli.running import say_data_notes
from harness.cli.sweep.prepare import unprepared
from harness.command_name import command_name
from harness.console.notes import note
from harness.console.progress import duration
from harness.console.terminal import Terminal
from harness.errors import UserError
from harness.execution.context import Context, default_cache
from harness.execution.estimate import Durations
from harness.execution.slurm import scheduler
from harness.execution.slurm import submit as slurm
from harness.execution.slurm.cluster import find, read_cluster
from harness.execution.slurm.packing import Array, total
from harness.execution.slurm.status import STATES, RunState, statuses
from harness.execution.towers import check_models
from harness.specs import RunSpec
from harness.store.leftovers import sweep as sweep_leftovers
from harness.store.records import SweepPlan
from harness.store.store import Store
from harness.training.logging import resolved
from harness.tune.choice import phase, runs_of


def submit(
    args: argparse.Namespace,
    root: Path,
    planned: SweepPlan,
    cluster_name: str,
    wanted: frozenset[RunState],
) -> int:
    """Submit the runs of `planned` that are in a `wanted` state; return the exit status.

    Raises:
        UserError: What is wrong with the cluster file, the models, or what sbatch refused.
    """
    _check_store(root)
    specs = runs_of(planned, Store(root))
    request = _request(args, root, planned, specs, cluster_name, wanted)
    say_data_notes(specs, args.data_root)
    lacking = ", ".join(unprepared(root, specs))
    if lacking and not args.force:
        text = f"not prepared: {lacking}; jobs run offline: `sweep prepare` first, or --force"
        if not args.dry_run:
            raise UserError(text)
        note(f"note: {text}")
    if planned.searches:
        note(
            f"{phase(planned, Store(root))}; final runs are submitted by the same command, once "
            "their trials are done"
        )
    if args.dry_run:
        return _dry_run(request)
    Store(root).prepare()
    sweep_leftovers(root, *([request.context.cache] if request.context.cache else []))
    Store(root).write_plan(planned)
    began = time.monotonic()
    submission = slurm.submit(request, note)
    if submission is None:
        print(_nothing(request))
        return 0
    for array in submission.arrays:
        n = sum(len(runs) for runs in array.tasks)
        print(f"array {array.array_id()}: {len(array.tasks)} job(s), {n} run(s)")
    print(f"submitted in {time.monotonic() - began:.1f} s; store: {root}")
    print(f"next: {command_name()} sweep status {planned.name} --store {shlex.quote(str(root))}")
    return 0


def _check_store(root: Path) -> None:
    """Refuse a path that Slurm's ``--output`` or PYTHONPATH would read as something else."""
    bad = [sign for sign in "%\\:" if sign in str(root)]
    if bad or not str(root).isprintable():
        signs = " and ".join(bad) or "a line break or control character"
        raise UserError(f"--store {str(root)!r}: Slurm takes no path with {signs}; give another")


def _request(
    args: argparse.Namespace,
    root: Path,
    planned: SweepPlan,
    specs: tuple[RunSpec, ...],
    cluster_name: str,
    wanted: frozenset[RunState],
) -> slurm.Request:
    changes = list(args.set)
    if args.runs_per_job is not None:
        changes.append(f"runs_per_job={args.runs_per_job}")
    cluster = read_cluster(cluster_name, changes)
    file = find(cluster_name)
    ours = file.parent == resources.shipped("clusters")
    cache = (args.cache_dir or default_cache()).resolve()
    check_models(specs, cache)
    stores = [root, *(path.resolve() for path in args.records)]
    return slurm.Request(
        sweep=planned.name,
        specs=specs,
        cluster=cluster,
        cluster_name=file.stem if ours else str(file.resolve()),
        context=Context(
            store=root,
            data_root=args.data_root.resolve() if args.data_root else None,
            cache=cache,
            plugins=tuple(registry.plugin_files()),
            log=resolved(args.log),
            keep_weights=bool(planned.source.get("keep_weights")),
            command=tuple(sys.argv),
        ),
        durations=Durations(record for path in stores for record in Store(path).records()),
        wanted=wanted,
        limit=args.limit,
    )


def _nothing(request: slurm.Request) -> str:
    counts = Counter(s.state for s in statuses(Store(request.context.store), request.specs))
    text = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"nothing to submit: {text}"


def _dry_run(request: slurm.Request) -> int:
    console = Terminal()
    found = slurm.look(request)
    if text := slurm.left_out(request, found):
        note(text)
    runs = slurm.chosen(request, found)
    if not runs:
        print(_nothing(request))
        return 0
    arrays = slurm.arrays_of(request, runs, note)
    table = Table(title=f"{len(runs)} runs in {len(arrays)} array(s)", title_justify="left")
    for head in ("array", "jobs", "runs", "methods", "a job asks for", "all jobs take", "after"):
        table.add_column(head)
    for array in arrays:
        labels = dict.fromkeys(s.label or s.method for p in array.packs for s in p.runs)
        if any(pack.features for pack in array.packs):
            labels["(features)"] = None
        took = total([pack.seconds for pack in array.packs])
        table.add_row(
            array.name,
            str(len(array.packs)),
            str(sum(len(p.runs) for p in array.packs)),
            ", ".join(labels),
            _asks(array),
            "unknown" if took is None else duration(took),
            ", ".join(array.after),
        )
    console.print(table)
    print(_hours(request, arrays))
    slurm_dir = Path(request.context.store) / "slurm"
    code = slurm_dir / "snapshots" / "<hash of the code>"
    refused = False
    for array in arrays:
        folder = slurm_dir / "jobs" / "<submission>" / array.name
        after = [f"<id of {name}>" for name in array.after]
        print(f"\n# ---- array {array.name}, sbatch script")
        print(slurm.script(request, array, folder, code, after))
        taken, answer = _ask(slurm.script(request, array, folder, code, []))
        refused |= not taken
        print(f"# ---- {answer}")
    return 2 if refused else 0


def _ask(script: str) -> tuple[bool, str]:
    """Return whether sbatch has anything against a script, and a line about it."""
    try:
        taken, said = scheduler.test_only(script, time.monotonic() + scheduler.LOOK_SECONDS)
    except UserError:
        return True, "not asked of Slurm: no sbatch here"
    except scheduler.Unreachable as error:
        return True, f"Slurm does not answer: {error}"
    return taken, f"sbatch would take it: {said}" if taken else f"sbatch refuses it: {said}"


def _asks(array: Array) -> str:
    r = array.resources
    words = [f"{r.gpus} GPU", f"{r.cpus_per_task} cores"]
    words += [f"{r.mem_gb:g} GiB"] if r.mem_gb else []
    words += [f"{r.seats} runs at a time"] if r.seats > 1 else []
    return ", ".join([*words, f"{r.timeout_min} min"])


def _hours(request: slurm.Request, arrays: Sequence[Array]) -> str:
    known = {"GPU": 0.0, "CPU job": 0.0}
    unknown = 0
    for spec, asked in ((s, a.resources) for a in arrays for p in a.packs for s in p.runs):
        seconds = request.durations.seconds(spec)
        if seconds is None:
            unknown += 1
        else:
            known["GPU" if asked.gpus else "CPU job"] += seconds / 3600
    parts = [f"about {hours:.2f} {kind} hours" for kind, hours in known.items() if hours]
    devices = ", ".join(sorted(request.durations.devices))
    source = f"from {request.durations.count} earlier record(s) on {devices}"
    if unknown:
        parts.append(f"{unknown} run(s) of which no record tells the length (see --records)")
    return "; ".join(parts) + (f"; {source}" if request.durations.count else "")
