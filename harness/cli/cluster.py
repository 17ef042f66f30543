"""The verbs of a cluster: sweep submit, status, logs, cancel, retry."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.cli.prepare import unprepared
from harness.console.command_name import command_name
from harness.console.display import duration
from harness.errors import UserError, unknown_name
from harness.execution.slurm import scheduler
from harness.execution.slurm.ledger import Ledger
from harness.execution.slurm.packing import Array, total
from harness.execution.slurm.status import (
    IN_HAND,
    STATES,
    RunStatus,
    State,
    places,
    recovered,
    statuses,
)
from harness.specs import RunSpec
from harness.store.store import Store, SweepPlan
from harness.store.timestamps import now

_STYLE: dict[State, str] = {
    "done": "green", "running": "cyan", "failed": "red", "lost": "magenta", "unknown": "yellow",
}  # fmt: skip


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def find_plan(name: str | None, store: Path | None) -> tuple[Store, SweepPlan]:
    """Return the store and plan that a user means by a sweep's file or name.

    Raises:
        UserError: If no such sweep was run or submitted.
    """
    sweep = name
    if name is not None and Path(name).suffix in (".yaml", ".yml"):
        from harness.sweep.file import read_sweep

        sweep = read_sweep(name).name
    root = store or Path("results") / (sweep or "")
    if sweep is None and store is None:
        raise UserError("which sweep? give its file or name, or --store DIR")
    plans = {plan.name: plan for plan in Store(root).plans()}
    if not plans:
        raise UserError(f"{root}: no sweep was submitted to this store; see `sweep submit -h`")
    if sweep is None:
        if len(plans) > 1:
            raise UserError(f"{root} has {len(plans)} sweeps; name one of {', '.join(plans)}")
        (sweep,) = plans
    if sweep not in plans:
        raise unknown_name("sweep", sweep, plans, f"in {root}")
    return Store(root.resolve()), plans[sweep]


def submit(args: argparse.Namespace) -> int:
    """``sweep submit FILE --cluster C``: give what is missing to Slurm and return."""
    from harness.sweep import file as sweeps

    sweep = sweeps.read_sweep(args.file)
    specs = sweeps.expand_sweep(sweep, args.data_root, args.file)
    root = (args.store or Path("results") / sweep.name).resolve()
    planned = sweeps.plan_of(sweep, specs)
    return _submit(args, root, planned, args.cluster, frozenset({"missing"}))


def retry(args: argparse.Namespace) -> int:
    """``sweep retry``: submit again what failed or was lost."""
    store, planned = find_plan(args.sweep, args.store)
    submissions = [s for s in Ledger(store.root).submissions() if s.sweep == planned.name]
    if not submissions:
        raise UserError(f"{store.root}: '{planned.name}' was never submitted; use `sweep submit`")
    both: frozenset[State] = frozenset({"failed", "lost"})
    only: set[State] = {s for s, asked in (("failed", args.failed), ("lost", args.lost)) if asked}  # type: ignore[misc]
    name = args.cluster or submissions[-1].cluster
    if args.data_root is None or args.cache_dir is None or not args.plugin:
        _as_before(args, submissions[-1])
    return _submit(args, store.root, planned, name, frozenset(only) or both)


def _as_before(args: argparse.Namespace, last: Any) -> None:
    """Fill in what `retry` was not given from the last submission's tasks and snapshot."""
    from harness import registry
    from harness.execution.slurm.ledger import read_task

    if not last.arrays:
        return
    context = read_task(last.arrays[0].folder / "0.json").context
    args.data_root = args.data_root or context.data_root
    args.cache_dir = args.cache_dir or context.cache
    args.log = args.log or context.log
    if not args.plugin:
        here = {Path(file).name for file in registry.plugin_files()}  # found in ./methods as before
        for path in context.plugins:
            if Path(path).name not in here:
                registry.add_plugin_file(path)


def _submit(
    args: argparse.Namespace,
    root: Path,
    planned: SweepPlan,
    cluster_name: str,
    wanted: frozenset[State],
) -> int:
    from harness import registry, resources
    from harness.cli.work import check_models
    from harness.execution.context import Context, default_cache
    from harness.execution.estimate import Durations
    from harness.execution.slurm import submit as slurm
    from harness.execution.slurm.cluster import find, read_cluster
    from harness.training.logging import resolved

    changes = list(args.set)
    if args.runs_per_job is not None:
        changes.append(f"runs_per_job={args.runs_per_job}")
    cluster = read_cluster(cluster_name, changes)
    file = find(cluster_name)
    ours = file.parent == resources.shipped("clusters")
    check_models(list(planned.runs))
    stores = [root, *(path.resolve() for path in args.records)]
    request = slurm.Request(
        sweep=planned.name,
        specs=planned.runs,
        cluster=cluster,
        cluster_name=file.stem if ours else str(file.resolve()),
        context=Context(
            store=root,
            data_root=args.data_root.resolve() if args.data_root else None,
            cache=(args.cache_dir or default_cache()).resolve(),
            plugins=tuple(registry.plugin_files()),
            log=resolved(args.log),
            keep_weights=bool(planned.source.get("keep_weights")),
        ),
        durations=Durations(record for path in stores for record in Store(path).records()),
        wanted=wanted,
        limit=args.limit,
    )
    if args.dry_run:
        return _dry_run(request)
    for title in unprepared(root, planned.runs):
        _say(f"note: jobs run offline; `sweep prepare` fetches the weights of {title} first")
    Store(root).write_plan(planned)
    began = time.monotonic()
    submission = slurm.submit(request, _say)
    if submission is None:
        print(f"nothing to submit: {_rest(statuses(Store(root), planned.runs), wanted)}")
        return 0
    for array in submission.arrays:
        n = sum(len(runs) for runs in array.tasks)
        print(f"array {array.array_id()}: {len(array.tasks)} job(s), {n} run(s)")
    print(f"submitted in {time.monotonic() - began:.1f} s; store: {root}")
    print(f"next: {command_name()} sweep status {planned.name} --store {root}")
    return 0


def _rest(found: Sequence[RunStatus], wanted: frozenset[State]) -> str:
    counts = Counter(status.state for status in found)
    text = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    again = counts["failed"] + counts["lost"]
    return text + ("; `sweep retry` submits failed and lost runs again"
                   if again and "missing" in wanted else "")  # fmt: skip


def _dry_run(request: Any) -> int:
    from harness.execution.slurm import submit as slurm

    console = Console(highlight=False)
    runs = slurm.chosen(request)
    if not runs:
        print(f"nothing to submit: {_rest(statuses(Store(request.context.store), request.specs), request.wanted)}")  # fmt: skip # noqa: E501
        return 0
    arrays = slurm.arrays_of(request, runs)
    table = Table(title=f"{len(runs)} runs in {len(arrays)} array(s)", title_justify="left")
    for head in ("array", "jobs", "runs", "methods", "a job asks for", "all jobs take", "after"):
        table.add_column(head)
    for array in arrays:
        labels = dict.fromkeys(s.label or s.method for p in array.packs for s in p.runs)
        if any(pack.features for pack in array.packs):
            labels["(features)"] = None
        took = total([pack.seconds for pack in array.packs])
        table.add_row(
            array.name, str(len(array.packs)), str(sum(len(p.runs) for p in array.packs)),
            ", ".join(labels), _asks(array), "unknown" if took is None else duration(took),
            ", ".join(array.after),
        )  # fmt: skip
    console.print(table)
    print(_hours(request, arrays))
    code = Path(request.context.store) / "slurm" / "snapshots" / "<hash of the code>"
    for array in arrays:
        folder = Path(request.context.store) / "slurm" / "jobs" / "<submission>" / array.name
        print(f"\n# ---- array {array.name}, sbatch script\n{slurm.script(request, array, folder, code)}")  # fmt: skip # noqa: E501
    return 0


def _asks(array: Array) -> str:
    r = array.resources
    words = [f"{r.gpus_per_node} GPU", f"{r.cpus_per_task} cores"]
    words += [f"{r.mem_gb:g} GiB"] if r.mem_gb else []
    return ", ".join([*words, f"{r.timeout_min} min"])


def _hours(request: Any, arrays: Sequence[Array]) -> str:
    known = {"GPU": 0.0, "CPU job": 0.0}
    unknown = 0
    for spec, resources in ((s, a.resources) for a in arrays for p in a.packs for s in p.runs):
        seconds = request.durations.seconds(spec)
        if seconds is None:
            unknown += 1
        else:
            known["GPU" if resources.gpus_per_node else "CPU job"] += seconds / 3600
    parts = [f"about {hours:.2f} {kind} hours" for kind, hours in known.items() if hours]
    devices = ", ".join(sorted(request.durations.devices))
    source = f"from {request.durations.count} earlier record(s) on {devices}"
    if unknown:
        parts.append(f"{unknown} run(s) of which no record tells the length (see --records)")
    return "; ".join(parts) + (f"; {source}" if request.durations.count else "")


def status(args: argparse.Namespace) -> int:
    """``sweep status``: where every run is; exit 1 if some failed or were lost."""
    store, planned = find_plan(args.sweep, args.store)
    if args.json:
        found = statuses(store, planned.runs)
        print(json.dumps([_as_json(s) for s in found], indent=1))
        return _exit(found)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=max(console.width, 140))
    if args.watch is None:
        found = statuses(store, planned.runs)
        console.print(_view(store, planned, found, args.all))
        return _exit(found)
    found = statuses(store, planned.runs)
    with Live(_view(store, planned, found, args.all), console=console, screen=False) as live:
        while any(s.state in IN_HAND and s.state != "done" for s in found):
            time.sleep(args.watch)
            found = statuses(store, planned.runs)
            live.update(_view(store, planned, found, args.all), refresh=True)
    return _exit(found)


def _exit(found: Sequence[RunStatus]) -> int:
    return 1 if any(s.state in ("failed", "lost") for s in found) else 0


def _as_json(status: RunStatus) -> dict[str, Any]:
    spec = status.spec
    return {
        "id": spec.id, "method": spec.label or spec.method, "dataset": spec.dataset.name,
        "target": spec.target, "seed": spec.seed, "state": status.state, "reason": status.reason,
        "job": status.job, "node": status.node, "elapsed_s": status.elapsed_s,
        "left_s": status.left_s, "step": status.step, "steps": status.steps,
    }  # fmt: skip


def _view(store: Store, planned: SweepPlan, found: Sequence[RunStatus], whole: bool) -> Group:
    counts = Counter(s.state for s in found)
    shown = [state for state in STATES if state != "unknown" or counts[state]]
    table = Table(title=f"{planned.name}: {len(found)} runs", title_justify="left", box=None)
    for head in ("method", "data set", "domain"):
        table.add_column(head, no_wrap=True)
    for state in shown:
        table.add_column(state, justify="right", style=_STYLE.get(state, ""))
    for head in ("elapsed", "left", "why"):
        table.add_column(head)
    groups: dict[tuple[str, str], list[RunStatus]] = {}
    for s in found:
        groups.setdefault((s.spec.label or s.spec.method, s.spec.dataset.name), []).append(s)
    for (label, dataset), members in groups.items():
        targets = list(dict.fromkeys(s.spec.target for s in members))
        if not whole and len({(s.state, s.reason) for s in members}) == 1:
            _row(table, shown, label, dataset, f"all {len(targets)}", members)
            continue
        for target in targets:
            part = [s for s in members if s.spec.target == target]
            _row(table, shown, label, dataset, target, part)
    words = ", ".join(f"{counts[state]} {state}" for state in shown if counts[state])
    lines = [f"{words}; store: {store.root}"]
    for s in [s for s in found if s.state in ("failed", "lost")][:5]:
        job = f", job {s.job}" if s.job else ""
        lines.append(f"{s.state}: {s.spec.title()} ({s.spec.id}{job}): {s.reason}")
    if counts["failed"] or counts["lost"]:
        lines.append("next: sweep logs RUN shows why, sweep retry submits them again")
    elif counts["done"] == len(found):
        lines.append(f"next: {command_name()} report --store {store.root}")
    return Group(table, Text("\n".join(lines)))


def _row(
    table: Table,
    shown: Sequence[State],
    label: str,
    dataset: str,
    target: str,
    part: Sequence[RunStatus],
) -> None:
    counts = Counter(s.state for s in part)
    spent = [s.elapsed_s for s in part if s.elapsed_s is not None]
    left = [s.left_s for s in part if s.left_s is not None]
    reasons = Counter(s.reason for s in part if s.reason)
    why = "; ".join(f"{reason}" + (f" ({n})" if n > 1 else "") for reason, n in reasons.items())
    table.add_row(
        Text(label), Text(dataset), Text(target),
        *(str(counts[state]) if counts[state] else "·" for state in shown),
        duration(max(spent)) if spent else "", duration(max(left)) if left else "",
        Text(why[:120]),
    )  # fmt: skip


def logs(args: argparse.Namespace) -> int:
    """``sweep logs RUN``: a run's own log, and with ``--job`` its job's."""
    roots = [args.store] if args.store else [p.parent for p in Path("results").glob("*/sweeps")]
    for root in roots:
        store = Store(root)
        runs: dict[str, RunSpec] = {run.id: run for plan in store.plans() for run in plan.runs}
        matches = [run_id for run_id in runs if run_id.startswith(args.run)]
        if len(matches) > 1:
            raise UserError(f"run {args.run}: {len(matches)} begin so; give more digits")
        if matches:
            return _show_logs(store, runs[matches[0]], args.job)
    where = ", ".join(map(str, roots)) or "results/"
    raise UserError(f"run {args.run}: not in {where}; `sweep status --json` has the ids")


def _show_logs(store: Store, spec: RunSpec, job: bool) -> int:
    place = places(Ledger(store.root).submissions()).get(spec.id)
    shown = 0
    paths = [store.run_dir(spec.id) / "log.txt", store.work_dir(spec.id) / "log.txt"]
    if place is not None and place.job and (job or not any(p.is_file() for p in paths)):
        paths = [place.array.folder / f"{place.job}_0_log.out", *paths]
    for path in paths:
        if path.is_file():
            print(f"==> {path} <==")
            sys.stdout.write(path.read_text(encoding="utf-8", errors="replace"))
            shown += 1
    failure = store.failure(spec.id)
    if failure is not None:
        print(f"==> failed {failure.attempts} time(s), last {failure.when}: {failure.error}")
    if not shown:
        _say(f"{spec.title()} ({spec.id}) has no log yet")
    return 0


def cancel(args: argparse.Namespace) -> int:
    """``sweep cancel``: cancel the jobs of a sweep that wait or run."""
    store, planned = find_plan(args.sweep, args.store)
    ledger = Ledger(store.root)
    ids = {spec.id for spec in planned.runs}
    with ledger.lock(_say):
        try:
            until = time.monotonic() + scheduler.ACT_SECONDS
            submissions = recovered(ledger, ledger.submissions(), until)
            found = statuses(store, planned.runs, scheduler.ACT_SECONDS)
            if any(s.state == "unknown" for s in found):
                raise UserError("Slurm does not answer; try again when `squeue` does")
            live = [s for s in found if s.state in ("running", "queued")]
            jobs = sorted({s.job for s in live if s.job})
            whole = _arrays_wholly(submissions, ids)
            # An array by its id: one request, and nothing of it can slip through in between.
            targets = sorted({j.partition("_")[0] if j.partition("_")[0] in whole else j for j in jobs})  # fmt: skip # noqa: E501
            if targets:
                scheduler.cancel(targets)
        except scheduler.Unreachable as error:
            raise UserError(f"Slurm did not cancel: {error}; try again") from None
        note = f"{now()} by {getpass.getuser()}"
        for submission in submissions:
            arrays = tuple(
                a.model_copy(update={"cancelled": note}) if a.array_id() in targets else a
                for a in submission.arrays
            )
            if arrays != submission.arrays:
                ledger.write(submission.model_copy(update={"arrays": arrays}))
    print(f"cancelled {len(jobs)} job(s), {len(live)} run(s); checkpoints stay, `sweep retry --lost` goes on")  # fmt: skip # noqa: E501
    return 0


def _arrays_wholly(submissions: Sequence[Any], ids: set[str]) -> set[str]:
    return {
        array.array_id()
        for submission in submissions
        for array in submission.arrays
        if array.job_ids and all(run in ids for runs in array.tasks for run in runs)
    }
