"""``sweep status``: where every run is, and why."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.cli.sweep.naming import add_sweep, find_plan
from harness.command_name import command_name
from harness.console.output import table_console

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from harness.execution.slurm.status import RunState, RunStatus
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
        type=float,
        const=10.0,
        metavar="SECONDS",
        help="refresh until nothing is left (%(const)s)",
    )
    parser.add_argument("--all", action="store_true", help="a row for every domain")
    parser.add_argument("--json", action="store_true", help="a list of all runs, for scripts")


def run(args: argparse.Namespace) -> int:
    """Print where the runs are; 1 if some failed or were lost."""
    from rich.live import Live

    from harness.execution.slurm.status import IN_HAND, statuses

    store, planned = find_plan(args.sweep, args.store)
    if args.json:
        found = statuses(store, planned.runs)
        print(json.dumps([_as_json(s) for s in found], indent=1))
        return _exit(found)
    console = table_console()
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


def _view(store: Store, planned: SweepPlan, found: Sequence[RunStatus], whole: bool) -> Group:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from harness.execution.slurm.status import STATES

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
    shown: Sequence[RunState],
    label: str,
    dataset: str,
    target: str,
    part: Sequence[RunStatus],
) -> None:
    from rich.text import Text

    from harness.console.progress import duration

    counts = Counter(s.state for s in part)
    spent = [s.elapsed_s for s in part if s.elapsed_s is not None]
    left = [s.left_s for s in part if s.left_s is not None]
    reasons = Counter(s.reason for s in part if s.reason)
    why = "; ".join(f"{reason}" + (f" ({n})" if n > 1 else "") for reason, n in reasons.items())
    table.add_row(
        Text(label),
        Text(dataset),
        Text(target),
        *(str(counts[state]) if counts[state] else "·" for state in shown),
        duration(max(spent)) if spent else "",
        duration(max(left)) if left else "",
        Text(why[:120]),
    )
