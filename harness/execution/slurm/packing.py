"""Which runs go into which job."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.execution.slurm.cluster import SHARE_OF_LIMIT, ClusterSpec, Resources
from harness.execution.slurm.scheduler import ARRAY_SIZE
from harness.specs import RunSpec

FIRST = "first of "


@dataclass(frozen=True)
class Pack:
    """What one job does, in order."""

    features: tuple[RunSpec, ...] = ()
    """Runs whose frozen features are computed for others to read."""
    runs: tuple[RunSpec, ...] = ()
    seconds: float | None = None
    """Estimate of the job; None when nothing is known of at least one run."""


@dataclass(frozen=True)
class Array:
    """Jobs that ask for the same resources; one sbatch call."""

    name: str
    resources: Resources
    packs: tuple[Pack, ...]
    after: tuple[str, ...] = ()
    """Names of the arrays that must have ended (in whatever way) before this one starts."""
    least: int = 1
    """Runs that a job takes whatever its budget, so that all arrays keep to ``max_jobs``."""

    def halves(self) -> tuple[Array, Array]:
        """Return two arrays of half the jobs, to be tried where the whole is refused."""
        middle = len(self.packs) // 2
        return (
            replace(self, name=f"{self.name}.0", packs=self.packs[:middle]),
            replace(self, name=f"{self.name}.1", packs=self.packs[middle:]),
        )


@dataclass(frozen=True)
class PackKind:
    """What packing needs to know of a method."""

    trains: bool = True
    frozen: bool = False
    """Reads frozen features of the image tower, which all its runs share."""


def shared_key(spec: RunSpec) -> str:
    """Return what runs of one job must have in common: backbone and data set."""
    return spec.model.model_dump_json() + spec.dataset.model_dump_json()


def arrange(
    runs: Sequence[RunSpec],
    cluster: ClusterSpec,
    kinds: Mapping[str, PackKind],
    seconds: Callable[[RunSpec], float | None],
    array_size: int = ARRAY_SIZE,
) -> list[Array]:
    """Return the arrays that do `runs`, of at most ``max_jobs`` jobs together where that can be.

    First, per backbone and data set, one job for what is short or of use to others: runs without
    training, and the frozen features when at least two runs of different jobs would compute them.
    Only runs that read those features wait for it: for the others waiting would save nothing.
    If that job fails they start all the same and compute for themselves.

    Args:
        runs: What is to be done, in order of importance.
        cluster: Resources and budgets.
        kinds: Per method.
        seconds: Estimates a run; None if nothing is known.
        array_size: Jobs that an array may have.
    """
    least = 1
    while True:
        arrays = _arrange(runs, cluster, kinds, seconds, array_size, least)
        jobs = sum(len(array.packs) for array in arrays)
        if jobs <= cluster.max_jobs or cluster.runs_per_job or least > len(runs):
            return arrays
        least = max(math.ceil(len(runs) / cluster.max_jobs), least + 1 + least // 4)


def _arrange(
    runs: Sequence[RunSpec],
    cluster: ClusterSpec,
    kinds: Mapping[str, PackKind],
    seconds: Callable[[RunSpec], float | None],
    array_size: int,
    least: int,
) -> list[Array]:
    groups: dict[tuple[str, str], list[Pack]] = {}
    settings: dict[str, Resources] = {}

    def put(resources: Resources, after: str, packs: Sequence[Pack]) -> None:
        label = resources.model_dump_json()
        settings[label] = resources
        groups.setdefault((label, after), []).extend(packs)

    for key, members in _by(runs, shared_key).items():
        quick = tuple(s for s in members if not kinds[s.method].trains)
        frozen = [s for s in members if kinds[s.method].trains and kinds[s.method].frozen]
        rest = [s for s in members if kinds[s.method].trains and not kinds[s.method].frozen]
        readers = _pack_by_resources(frozen, cluster, seconds, least)
        wanted = tuple(frozen) if sum(len(packs) for _, packs in readers) > 1 else ()
        if wanted or quick:
            # Features are known by the device and threads they were computed with, so it is their
            # readers' resources that count.
            method = (wanted or quick)[0].method
            settings[FIRST + key] = cluster.resources(method)
            known = None if wanted else job_seconds(quick, settings[FIRST + key], seconds)
            groups[(FIRST + key, "")] = [Pack(wanted, quick, known)]
        for resources, packs in readers:
            put(resources, FIRST + key if wanted else "", packs)
        for resources, packs in _pack_by_resources(rest, cluster, seconds, least):
            put(resources, "", packs)
    return [replace(array, least=least) for array in _arrays(groups, settings, array_size)]


def _pack_by_resources(
    runs: Sequence[RunSpec],
    cluster: ClusterSpec,
    seconds: Callable[[RunSpec], float | None],
    least: int,
) -> list[tuple[Resources, list[Pack]]]:
    found = []
    for members in _by(runs, lambda s: cluster.resources(s.method).model_dump_json()).values():
        resources = cluster.resources(members[0].method)
        found.append((resources, pack(members, resources, seconds, least)))
    return found


def pack(
    runs: Sequence[RunSpec],
    resources: Resources,
    seconds: Callable[[RunSpec], float | None],
    least: int = 1,
) -> list[Pack]:
    """Split runs of one backbone, data set and resources into jobs, keeping their order.

    Args:
        runs: To be split.
        resources: Their budget: ``runs_per_job``, or else ``job_minutes`` and the time limit, for
            each GPU.
        seconds: Estimates a run. A run of unknown length gets a job of its own.
        least: Runs that a job takes whatever its budget.
    """
    budget = 60 * min(resources.job_minutes, SHARE_OF_LIMIT * resources.timeout_min)
    share = resources.runs_per_gpu
    packs: list[list[RunSpec]] = []
    left = 0.0
    for spec in runs:
        known = seconds(spec)
        # A run takes its seat for as long as those that share the GPU let it, and one seat at most.
        cost = budget if known is None else min(known * share, budget)
        if resources.runs_per_job:
            fits = bool(packs) and len(packs[-1]) < resources.runs_per_job
        else:
            fits = bool(packs) and (cost <= left or len(packs[-1]) < least)
        if fits:
            packs[-1].append(spec)
            left -= cost
        else:
            packs.append([spec])
            left = budget * resources.seats - cost
    return [Pack((), tuple(part), job_seconds(part, resources, seconds)) for part in packs]


def job_seconds(
    runs: Sequence[RunSpec], resources: Resources, seconds: Callable[[RunSpec], float | None]
) -> float | None:
    """Return how long a job takes: its GPUs share the runs; None if the length of one is unknown.

    Args:
        runs: Of the job.
        resources: Of the job.
        seconds: Estimates a run's time of a whole GPU.
    """
    known = [took for took in map(seconds, runs) if took is not None]
    if len(known) < len(runs):
        return None
    return max(sum(known) / max(1, resources.gpus), *known)


def total(parts: Sequence[float | None]) -> float | None:
    """Return the sum, or None if a part is unknown."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _arrays(
    groups: Mapping[tuple[str, str], list[Pack]],
    settings: Mapping[str, Resources],
    array_size: int,
) -> list[Array]:
    first = {
        label: f"a{number}" for number, (label, _) in enumerate(groups) if label.startswith(FIRST)
    }
    arrays: list[Array] = []
    for number, ((label, after), packs) in enumerate(groups.items()):
        for start in range(0, len(packs), array_size):
            name = f"a{number}" + (f"-{start // array_size}" if start else "")
            part = tuple(packs[start : start + array_size])
            arrays.append(Array(name, settings[label], part, (first[after],) if after else ()))
    # An array is submitted after those it waits for, whose job ids it names.
    return sorted(arrays, key=lambda array: bool(array.after))


def _by(runs: Sequence[RunSpec], key: Callable[[RunSpec], str]) -> dict[str, list[RunSpec]]:
    found: dict[str, list[RunSpec]] = {}
    for spec in runs:
        found.setdefault(key(spec), []).append(spec)
    return found
