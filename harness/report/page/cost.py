"""What a row's runs cost; times and memory only ever within one device."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.report.tables.model import Row
from harness.store.records import RunRecord


@dataclass(frozen=True)
class Spent:
    """What one run took, of its record, which is too large to be held for every run."""

    device: str
    """What times may be compared within: the device and the number of threads."""
    trained: int
    """Parameters."""
    step_ms: float | None
    wall_s: float
    peak_mb: float
    energy_j: float | None
    """None where nothing counts it, or others' is in it."""


@dataclass(frozen=True)
class DeviceCost:
    """A row's runs on one device: medians over them."""

    n: int
    step_ms: float | None
    """None if nothing was trained."""
    wall_s: float
    """Of a run from start to finish, evaluation included."""
    peak_mb: float
    energy_kj: float | None = None
    """Kilojoules of a run on its GPU; None where nothing counts them, or others' are in it."""


@dataclass(frozen=True)
class Cost:
    """What a row's finished runs cost."""

    trained: tuple[int, int] | None
    """Smallest and largest number of trained parameters; None without a finished run."""
    by_device: Mapping[str, DeviceCost]


def spent_of(record: RunRecord) -> Spent:
    """Return what a run took."""
    made = record.provenance
    return Spent(
        device=sys.intern(
            f"{made.device}, {made.threads} thread{'' if made.threads == 1 else 's'}"
        ),
        trained=record.trained_parameters,
        step_ms=made.step_ms,
        wall_s=made.wall_s,
        peak_mb=made.peak_memory_mb,
        # the counter is the card's: of runs that shared it nobody knows whose it was
        energy_j=made.energy_j if made.runs_per_gpu == 1 else None,
    )


def cost_of(row: Row, spent: Mapping[str, Spent]) -> Cost:
    """Return the cost of a row's runs."""
    own = [spent[run] for run in row.mean.runs if run in spent]
    by_device: dict[str, list[Spent]] = {}
    for run in own:
        by_device.setdefault(run.device, []).append(run)
    trained = [run.trained for run in own]
    return Cost(
        trained=(min(trained), max(trained)) if trained else None,
        by_device={device: _device_cost(runs) for device, runs in sorted(by_device.items())},
    )


def _device_cost(runs: Sequence[Spent]) -> DeviceCost:
    energies = [run.energy_j for run in runs if run.energy_j is not None]
    steps = [run.step_ms for run in runs if run.step_ms is not None]
    return DeviceCost(
        n=len(runs),
        step_ms=statistics.median(steps) if steps else None,
        wall_s=statistics.median(run.wall_s for run in runs),
        peak_mb=statistics.median(run.peak_mb for run in runs),
        energy_kj=statistics.median(energies) / 1e3 if energies else None,
    )


def devices_of(costs: Sequence[Cost]) -> tuple[str, ...]:
    """Return the devices that any of the rows ran on, sorted."""
    return tuple(sorted({device for cost in costs for device in cost.by_device}))


def short(number: float) -> str:
    """Return a number in about three digits: ``950``, ``12.3 k``, ``1.25 M``."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(number) >= size:
            return f"{number / (1e3 if unit == ' k' else size):.3g}{unit}"
    if number == round(number) or abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"
