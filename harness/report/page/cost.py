"""What a row's runs cost; times and memory only ever within one device."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.report.tables.model import Row
from harness.store.records import RunRecord


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


def device_of(record: RunRecord) -> str:
    """Return what times may be compared within: the device and the number of threads."""
    made = record.provenance
    return f"{made.device}, {made.threads} thread{'' if made.threads == 1 else 's'}"


def cost_of(row: Row, records: Mapping[str, RunRecord]) -> Cost:
    """Return the cost of a row's runs."""
    own = [records[run] for run in row.mean.runs if run in records]
    by_device: dict[str, list[RunRecord]] = {}
    for record in own:
        by_device.setdefault(device_of(record), []).append(record)
    trained = [record.trained_parameters for record in own]
    return Cost(
        trained=(min(trained), max(trained)) if trained else None,
        by_device={device: _device_cost(runs) for device, runs in sorted(by_device.items())},
    )


def _device_cost(records: Sequence[RunRecord]) -> DeviceCost:
    made = [record.provenance for record in records]
    # the counter is the card's: of runs that shared it nobody knows whose it was
    energies = [p.energy_j for p in made if p.energy_j is not None and p.runs_per_gpu == 1]
    steps = [one.step_ms for one in made if one.step_ms is not None]
    return DeviceCost(
        n=len(made),
        step_ms=statistics.median(steps) if steps else None,
        wall_s=statistics.median(one.wall_s for one in made),
        peak_mb=statistics.median(one.peak_memory_mb for one in made),
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
