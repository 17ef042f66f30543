"""``sweep status``: where every run is, and why."""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.cli.sweep.naming import add_sweep, find_plans
from harness.command_name import command_name
from harness.console.output import table_console

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from harness.execution.slurm.status import RunState, RunStatus
    from harness.specs import RunSpec
    from harness.store.records import SweepPlan
    from harness.store.store import Store

_STYLE: dict[RunState, str] = {
    "done": "green",
    "running": "cyan",
    "failed": "red",
    "lost": "magenta",
    "unknown": "yellow",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep status`."""
    options.store(parser)
    add_sweep(parser)
    parser.add_argument(
        "--watch",
        nargs="?",
        type=options.amount,
        const=10.0,
        metavar="SECONDS",
        help="refresh until nothing is left (%(const)s)",
    )
    parser.add_argument("--all", action="store_true", help="a row for every domain")
    parser.add_argument("--json", action="store_true", help="a list of all runs, for scripts")


def run(args: argparse.Namespace) -> int:
    """Print where the runs are; 1 if some failed or were lost."""
    from harness.execution.slurm.status import statuses
    from harness.tune.choice import runs_of

    store, plans = find_plans(args.sweep, args.store)
    asked = {plan.name: runs_of(plan, store) for plan in plans}
    specs = {spec.id: spec for runs in asked.values() for spec in runs}

    def look() -> dict[str, RunStatus]:
        found = statuses(store, list(specs.values()))
        store.check_formats(s.spec.id for s in found if s.state == "done")
        return {s.spec.id: s for s in found}

    def view(found: dict[str, RunStatus]) -> Group:
        if len(plans) > 1:
            return _overview(store, asked, found)
        return _view(store, plans[0], [found[i] for i in specs], args.all)

    if args.watch is not None and not args.json:
        return _watch(look, view, args.watch)
    found = look()
    if args.json:
        runs = [
            {"sweep": name, **_as_json(store, found[run.id])}
            for name, runs in asked.items()
            for run in runs
        ]
        print(json.dumps(runs, indent=1))
    else:
        table_console().print(view(found))
    return _exit(found)


def _watch(
    look: Callable[[], dict[str, RunStatus]],
    view: Callable[[dict[str, RunStatus]], Group],
    seconds: float,
) -> int:
    """Show where the runs are until none is under way; in a pipe, a line for each change."""
    from rich.live import Live

    from harness.execution.slurm.status import IN_HAND
    from harness.store.timestamps import now

    console = table_console()
    found, said = look(), ""
    with Live(console=console, screen=False) if console.is_terminal else nullcontext() as live:
        while True:
            words = _words(found.values())
            if live is not None:
                live.update(view(found), refresh=True)
            elif words != said:
                print(f"{now()} {words}", flush=True)
                said = words
            if not any(s.state in IN_HAND and s.state != "done" for s in found.values()):
                return _exit(found)
            time.sleep(seconds)
            found = look()


def _words(found: Iterable[RunStatus]) -> str:
    from harness.execution.slurm.status import STATES

    counts = Counter(s.state for s in found)
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])


def _exit(found: dict[str, RunStatus]) -> int:
    return 1 if any(s.state in ("failed", "lost") for s in found.values()) else 0


def _as_json(store: Store, status: RunStatus) -> dict[str, Any]:
    spec = status.spec
    if status.state == "done":
        ran = store.read(spec.id).provenance
        node, here, _ = ran.host.partition(" (Slurm job ")
        job = status.job if here else ""  # else it was done by `sweep run` after all
        status = replace(status, job=job, node=node, elapsed_s=ran.wall_s)
    return {
        "id": spec.id,
        "method": spec.label or spec.method,
        "dataset": spec.dataset.name,
        "target": spec.target,
        "seed": spec.seed,
        "state": status.state,
        "reason": status.reason,
        "job": status.job,
        "node": status.node,
        "elapsed_s": status.elapsed_s,
        "left_s": status.left_s,
        "step": status.step,
        "steps": status.steps,
    }


def _overview(
    store: Store, asked: Mapping[str, Sequence[RunSpec]], found: Mapping[str, RunStatus]
) -> Group:
    """A row for each sweep of a store."""
    from rich.console import Group
    from rich.text import Text

    table, shown = _table(f"{store.root}: {len(asked)} sweeps", ("sweep", "runs"), found.values())
    for name, runs in asked.items():
        counts = Counter(found[spec.id].state for spec in runs)
        table.add_row(Text(name), str(len(runs)), *_cells(counts, shown))
    return Group(table, Text("next: sweep status NAME shows one"))


def _table(
    title: str, heads: Sequence[str], found: Iterable[RunStatus]
) -> tuple[Table, list[RunState]]:
    """Return a table with columns for the states that there are, and these."""
    from rich.table import Table

    from harness.execution.slurm.status import STATES

    table = Table(title=title, title_justify="left", box=None)
    for head in heads:
        table.add_column(head, overflow="fold")
    counts = Counter(s.state for s in found)
    shown = [state for state in STATES if counts[state]]
    for state in shown:
        table.add_column(state, justify="right", style=_STYLE.get(state, ""), no_wrap=True)
    return table, shown


def _cells(counts: Counter[RunState], shown: Sequence[RunState]) -> list[str]:
    return [str(counts[state]) if counts[state] else "·" for state in shown]


def _view(store: Store, planned: SweepPlan, found: Sequence[RunStatus], whole: bool) -> Group:
    from rich.console import Group
    from rich.text import Text

    from harness.tune.choice import phase

    heads = ("method", "data set", "domain")
    table, shown = _table(f"{planned.name}: {len(found)} runs", heads, found)
    times = [head for head in ("elapsed", "left") if any(_time(s, head) for s in found)]
    for head in times:
        table.add_column(head, justify="right", no_wrap=True)
    groups: dict[tuple[str, str], list[RunStatus]] = {}
    for s in found:
        groups.setdefault((s.spec.label or s.spec.method, s.spec.dataset.name), []).append(s)
    for (label, dataset), members in groups.items():
        targets = list(dict.fromkeys(s.spec.target for s in members))
        if not whole and len({(s.state, s.reason) for s in members}) == 1:
            rows = [(f"all {len(targets)}", members)]
        else:
            rows = [(t, [s for s in members if s.spec.target == t]) for t in targets]
        for target, part in rows:
            table.add_row(
                *(Text(text) for text in (label, dataset, target)),
                *_cells(Counter(s.state for s in part), shown),
                *(_longest(part, head) for head in times),
            )
    counts = Counter(s.state for s in found)
    lines = [f"{_words(found)}; store: {store.root}", *_reasons(found)]
    if planned.searches:
        lines.append(phase(planned, store))
        if counts["missing"]:
            lines.append(
                "next: the same `sweep submit` or `sweep run` goes on with what is missing"
            )
    if counts["failed"] or counts["lost"]:
        lines.append("next: sweep logs RUN shows why, sweep retry submits them again")
    elif counts["done"] == len(found):
        lines.append(f"next: {command_name()} report --store {shlex.quote(str(store.root))}")
    return Group(table, Text("\n".join(lines)))


def _reasons(found: Sequence[RunStatus]) -> list[str]:
    """Return a line for each reason to wait, and for the first runs that need somebody."""
    ended = [s for s in found if s.state in ("failed", "lost")]
    waiting = Counter(f"{s.state}: {s.reason}" for s in found if s.reason and s not in ended)
    lines = [f"{why} ({n})" for why, n in waiting.most_common(5)]
    for s in ended[:5]:
        job = f", job {s.job}" if s.job else ""
        lines.append(f"{s.state}: {s.spec.title()} ({s.spec.id}{job}): {s.reason}")
    return lines


def _time(status: RunStatus, head: str) -> float | None:
    return status.elapsed_s if head == "elapsed" else status.left_s


def _longest(part: Sequence[RunStatus], head: str) -> str:
    from harness.console.progress import duration

    times = [seconds for s in part if (seconds := _time(s, head)) is not None]
    return duration(max(times)) if times else ""
