"""Which runs share a job, and which jobs an array."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from harness.execution.slurm.cluster import ClusterSpec, Resources
from harness.execution.slurm.packing import SHARE_OF_LIMIT, PackKind, arrange, pack
from harness.specs import RunSpec
from tests.execution.slurm.fakes import spec

KINDS = {
    "zero_shot": PackKind(trains=False), "coop": PackKind(frozen=True),
    "finetune": PackKind(), "clipood": PackKind(),
}  # fmt: skip
UNKNOWN: Callable[[RunSpec], float | None] = lambda spec: None  # noqa: E731


def test_every_run_is_in_one_job_of_its_own_resources() -> None:
    runs = [
        spec(method, seed, data)
        for method, seed, data in itertools.product(KINDS, range(5), ("emoji", "folder"))
    ]
    cluster = ClusterSpec(methods={"clipood": {"mem_gb": 9}}, runs_per_job=2)
    arrays = arrange(runs, cluster, KINDS, UNKNOWN)
    placed = [run for array in arrays for p in array.packs for run in p.runs]
    assert sorted(run.id for run in placed) == sorted(run.id for run in runs)
    names = [array.name for array in arrays]
    assert len(set(names)) == len(names)
    for position, array in enumerate(arrays):
        assert all(name in names[:position] for name in array.after)  # submitted before
        for p in array.packs:
            assert len({run.dataset.name for run in p.runs}) <= 1
            trained = {run.method for run in p.runs if KINDS[run.method].trains}
            assert all(cluster.resources(m) == array.resources for m in trained)
        assert bool(array.after) == any(r.method == "coop" for p in array.packs for r in p.runs)
    heads = [p for array in arrays for p in array.packs if p.features]
    assert len(heads) == 2  # one per data set
    assert all({run.method for run in p.runs} == {"zero_shot"} for p in heads)


def test_features_are_no_job_of_their_own_where_that_saves_nothing() -> None:
    runs = [spec("coop", seed) for seed in range(3)]
    (array,) = arrange(runs, ClusterSpec(runs_per_job=3), KINDS, UNKNOWN)
    assert array.after == ()
    assert [p.features for p in array.packs] == [()]


def test_packs_keep_to_their_budget() -> None:
    runs = [spec("finetune", seed) for seed in range(40)]
    times = {run.id: 60.0 * (1 + 7 * run.seed % 13) for run in runs}
    seconds = lambda run: times[run.id]  # noqa: E731
    resources = Resources(timeout_min=50, job_minutes=60)
    packs = pack(runs, resources, seconds)
    assert [run for p in packs for run in p.runs] == runs
    budget = 60 * SHARE_OF_LIMIT * 50
    for p in packs:
        assert p.seconds == sum(times[run.id] for run in p.runs)
        assert p.seconds <= budget
    for p, following in itertools.pairwise(packs):  # none is shorter than it need be
        assert p.seconds + times[following.runs[0].id] > budget
    assert len(pack(runs, resources, UNKNOWN)) == 40
    assert len(pack(runs, Resources(runs_per_job=7), UNKNOWN)) == 6
    assert len(pack(runs, Resources(gpus_per_node=4), UNKNOWN)) == 10  # four at a time


def test_no_array_is_longer_than_slurm_allows() -> None:
    runs = [spec("finetune", seed) for seed in range(105)]
    arrays = arrange(runs, ClusterSpec(), KINDS, UNKNOWN, array_size=50)
    assert [len(array.packs) for array in arrays] == [50, 50, 5]
    assert len({array.name for array in arrays}) == 3


def test_runs_of_unknown_length_keep_to_the_most_jobs() -> None:
    runs = [
        spec(method, seed, data)
        for method, seed, data in itertools.product(KINDS, range(100), ("emoji", "folder"))
    ]
    free = sum(len(array.packs) for array in arrange(runs, ClusterSpec(), KINDS, UNKNOWN))
    assert free > 600
    for most in (2, 5, 100, 300):
        arrays = arrange(runs, ClusterSpec(max_jobs=most), KINDS, UNKNOWN)
        jobs = sum(len(array.packs) for array in arrays)
        # Not far below, and never above, unless there are more kinds of job than that: six here.
        assert max(most // 2, 6) <= jobs <= max(most, 6)
        assert sorted(r.id for a in arrays for p in a.packs for r in p.runs) == sorted(
            run.id for run in runs
        )
        assert {array.least > 1 for array in arrays} == {True}
    chosen = arrange(runs, ClusterSpec(max_jobs=5, runs_per_job=10), KINDS, UNKNOWN)
    assert sum(len(array.packs) for array in chosen) > 5


def test_runs_that_share_a_gpu_and_gpus_that_share_a_job() -> None:
    runs = [spec("finetune", seed) for seed in range(40)]
    minute = lambda run: 60.0  # noqa: E731
    day = lambda run: 86400.0  # noqa: E731
    shared = Resources(gpus_per_node=4, runs_per_gpu=2, job_minutes=5)
    assert [len(p.runs) for p in pack(runs, shared, UNKNOWN)] == [8] * 5
    # A minute of a whole GPU is two of one that is shared; so many a job has time for.
    packs = pack(runs, shared, minute)
    assert [len(p.runs) for p in packs] == [20, 20]
    assert [p.seconds for p in packs] == [300, 300]
    # A run longer than a job's budget leaves the other GPUs no reason to be idle.
    assert [len(p.runs) for p in pack(runs, Resources(gpus_per_node=4), day)] == [4] * 10
    (alone,) = pack(runs[:1], shared, minute)
    assert alone.seconds == 60  # no GPU helps another with its run
