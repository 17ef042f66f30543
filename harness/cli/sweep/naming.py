"""Which sweep a user means, and what the verbs of a cluster share."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import resources
from harness.errors import UserError, unknown_name
from harness.store.records import SweepPlan
from harness.store.store import Store


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """Add the sweep's name, which a store of one sweep does without."""
    parser.add_argument("sweep", nargs="?", help="the sweep's file or name")


def find_plans(name: str | None, store: Path | None) -> tuple[Store, list[SweepPlan]]:
    """Return the store and the plan of a sweep's file or name; without one, all of the store's.

    Raises:
        UserError: If no such sweep was run or submitted.
    """
    sweep = name
    if name is not None and (
        Path(name).suffix in (".yaml", ".yml") or name in resources.named("sweeps")
    ):
        from harness.sweep.file import read_sweep

        sweep = read_sweep(name).name
    root = store or Path("results") / (sweep or "")
    if sweep is None and store is None:
        raise UserError("which sweep? give its file or name, or --store DIR")
    plans = {plan.name: plan for plan in Store(root).plans()}
    if not plans:
        raise UserError(f"{root}: no sweep was run or submitted to this store; see `sweep -h`")
    if sweep is not None and sweep not in plans:
        raise unknown_name("sweep", sweep, plans, f"in {root}")
    return Store(root.resolve()), [plans[sweep]] if sweep is not None else list(plans.values())


def find_plan(name: str | None, store: Path | None) -> tuple[Store, SweepPlan]:
    """Return the store and the one plan that a user means.

    Raises:
        UserError: As `find_plans`, or if there are several.
    """
    found, plans = find_plans(name, store)
    if len(plans) > 1:
        names = ", ".join(plan.name for plan in plans)
        raise UserError(f"{store} has {len(plans)} sweeps; name one of {names}")
    return found, plans[0]
