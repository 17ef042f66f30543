"""What needs no Slurm: cluster files, packing, the lock, the snapshot, words of Slurm's."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import resources
from harness.cli.main import main
from harness.errors import UserError
from harness.execution.slurm import job, scheduler, snapshot
from harness.execution.slurm.cluster import ClusterSpec, Resources, read_cluster
from harness.execution.slurm.ledger import Ledger, Submission, SubmittedArray, TaskState
from harness.execution.slurm.packing import MAX_ARRAY, SHARE_OF_LIMIT, PackKind, arrange, pack
from harness.execution.slurm.status import statuses
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.store import Store

KINDS = {
    "zero_shot": PackKind(trains=False), "coop": PackKind(frozen=True),
    "finetune": PackKind(), "clipood": PackKind(),
}  # fmt: skip
UNKNOWN: Callable[[RunSpec], float | None] = lambda spec: None  # noqa: E731


def spec(method: str, seed: int = 0, data: str = "emoji") -> RunSpec:
    return RunSpec(
        method=method, config={"steps": 10}, model=ModelSpec(name="tiny-emoji"),
        dataset=DatasetSpec(name=data), protocol=DomainShift(), target="noto", seed=seed,
        data_seed=seed,
    )  # fmt: skip


def test_files_of_the_repository_are_valid() -> None:
    files = sorted((resources.ROOT / "clusters").glob("*.yaml"))
    assert files
    for file in files:
        assert read_cluster(file.stem) == read_cluster(file)


def test_changes_on_the_command_line_and_per_method() -> None:
    cluster = read_cluster("academic", ["timeout_min=30", "coop.mem_gb=5", "slurm_partition=a,b"])
    assert cluster.resources("coop").mem_gb == 5
    assert cluster.resources("finetune").mem_gb == 32
    assert cluster.resources("finetune").timeout_min == 30
    assert cluster.resources("zero_shot").timeout_min == 30  # a method's own wins, and is 30
    assert cluster.resources("finetune").submitit()["slurm_partition"] == "a,b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timeout_mn: 3", "unknown field 'timeout_mn'; did you mean timeout_min"),
        ("timeout_min: 0", "field 'timeout_min' is 0"),
        ("gpus_per_node: 4", "field 'gpus_per_node' is 4"),
        ("methods: {clipod: {mem_gb: 1}}", "unknown method"),
        ("methods: {clipood: {mem: 1}}", "'mem': did you mean mem_gb"),
        ("slurm_additional_parameters: {array: 3}", "'array' is set by the harness"),
        ("slurm_additional_parameters: {partition: x}", "'partition' is set by the harness or has"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_mistake_in_a_cluster_file(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_cluster(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cluster", "nowhere"], "unknown cluster 'nowhere'"),
        (["--cluster", "gone.yaml"], "--cluster gone.yaml: no such file"),
        (["--cluster", "cpu", "--set", "timeout"], "--set timeout: write KEY=VALUE"),
        (["--cluster", "cpu", "--set", "tineout_min=3"], "did you mean timeout_min"),
        (["--cluster", "cpu", "--runs-per-job", "0"], "field 'runs_per_job' is 0"),
    ],
)
def test_a_mistake_of_submit_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "submit", "quickstart", *words, "--store", str(tmp_path / "s")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("action", ["status", "cancel", "retry"])
def test_a_sweep_never_submitted(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", action, "nothing", "--store", str(tmp_path)]) == 2
    assert "no sweep was submitted to this store" in capsys.readouterr().err


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


def test_no_array_is_longer_than_slurm_allows() -> None:
    runs = [spec("finetune", seed) for seed in range(MAX_ARRAY + 5)]
    arrays = arrange(runs, ClusterSpec(), KINDS, UNKNOWN)
    assert [len(array.packs) for array in arrays] == [MAX_ARRAY, 5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1-02:03:04", 93784), ("02:03:04", 7384), ("03:04", 184), ("UNLIMITED", None), ("", None)],
)
def test_times_of_squeue(text: str, expected: int | None) -> None:
    assert scheduler.seconds(text) == expected


HOLD = """
import sys, time
from pathlib import Path
from harness.execution.slurm.ledger import Ledger
log = Path(sys.argv[2])
for _ in range(20):
    with Ledger(Path(sys.argv[1])).lock(lambda text: None):
        with log.open("a") as f: f.write("in\\n")
        time.sleep(0.002)
        with log.open("a") as f: f.write("out\\n")
"""


def test_one_holder_of_the_lock_at_a_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", HOLD, str(tmp_path), str(log)]
    processes = [subprocess.Popen(command, cwd=resources.ROOT) for _ in range(3)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    assert log.read_text().split() == ["in", "out"] * 60
    assert not Ledger(tmp_path).submitting()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.root.mkdir()
    (ledger.root / "lock").write_text("elsewhere pid 1 abc")
    said: list[str] = []
    began = time.monotonic()
    with ledger.lock(said.append, stale=1.0):
        assert time.monotonic() - began > 1.0
    assert "elsewhere pid 1 is submitting" in said[0]
    assert not ledger.submitting()


def test_a_snapshot_is_the_code_and_changes_with_it(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("a = 1\n")
    code, (copy,) = snapshot.take(tmp_path / "s", [str(plugin)])
    assert Path(copy).read_text() == "a = 1\n"
    for name in ("harness/cli/main.py", "methods/coop.py", "datasets/emoji.py", "run_benchmark.py"):
        assert (code / name).read_bytes() == (resources.ROOT / name).read_bytes()
    assert snapshot.take(tmp_path / "s", [str(plugin)])[0] == code
    plugin.write_text("a = 2\n")
    assert snapshot.take(tmp_path / "s", [str(plugin)])[0] != code
    assert Path(copy).read_text() == "a = 1\n"
    done = subprocess.run(
        [sys.executable, "-c", "from harness import resources\n"
         "from harness.store.provenance import git_state\n"
         "print(resources.ROOT); print(git_state())"],
        env={"PYTHONPATH": str(code), "PATH": "", "PYTHONSAFEPATH": "1"},
        cwd=resources.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    root, git = done.stdout.split("\n")[:2]
    assert root == str(code)
    from harness.store.provenance import git_state

    assert git == git_state()  # though there is no git here


def test_accounting_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "17_0|OUT_OF_MEMORY|12|n1\n17_1|CANCELLED by 7|3|n0\n17_[2-5]|PENDING|0|\n"
    answer: Any = subprocess.CompletedProcess([], 0, text, "")
    monkeypatch.setattr(scheduler, "call", lambda words, until: answer)
    monkeypatch.setattr(scheduler.shutil, "which", lambda name: name)
    found = scheduler.accounted("17", 0.0)
    assert {name: info.state for name, info in found.items()} == {
        "17_0": "OUT_OF_MEMORY", "17_1": "CANCELLED",
    }  # fmt: skip
    assert not found["17_0"].live


def submitted(store: Path, arrays: int) -> list[RunSpec]:
    """Write the ledger of one submission of `arrays` arrays of two jobs; return its runs."""
    runs = [spec("finetune", seed) for seed in range(2 * arrays)]
    parts = tuple(
        SubmittedArray(
            name=f"a{n}", folder=store / "jobs", resources=Resources(),
            tasks=((runs[2 * n].id,), (runs[2 * n + 1].id,)), job_ids=(f"{n}_0", f"{n}_1"),
        )
        for n in range(arrays)
    )  # fmt: skip
    ledger = Ledger(store)
    ledger.write(
        Submission(
            id="s", sweep="s", when="now", user="me", host="here", cluster="cpu",
            snapshot=store, arrays=parts, complete=True,
        )
    )  # fmt: skip
    return runs


def command(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a command that does what `script` says all there is of Slurm."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_status_waits_for_a_silent_scheduler_once_and_not_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = submitted(tmp_path, arrays=20)
    command(tmp_path / "bin", "squeue", "exec /bin/sleep 60", monkeypatch)
    began = time.monotonic()
    found = statuses(Store(tmp_path), runs, patience=1.0)
    assert time.monotonic() - began < 10  # not 20 times a second, and not 60 s
    assert {s.state for s in found} == {"unknown"}
    assert {s.reason for s in found} == {"squeue did not answer in time"}


def test_silent_accounting_is_not_taken_for_a_silent_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = submitted(tmp_path, arrays=10)
    # Of every array the scheduler knows the first job and has forgotten the second.
    row = 'echo "1|$8|0|PENDING|Priority|0:00|1:00||comment"'
    command(tmp_path / "bin", "squeue", row, monkeypatch)
    command(tmp_path / "bin", "sacct", "exec /bin/sleep 60", monkeypatch)
    began = time.monotonic()
    found = statuses(Store(tmp_path), runs, patience=2.0)
    assert time.monotonic() - began < 15
    assert [s.state for s in found] == ["queued", "lost"] * 10
    assert {s.reason for s in found[1::2]} == {"Slurm no longer knows its job"}


@pytest.mark.parametrize(
    ("elapsed", "reason"), [("0:05", ""), ("10:00", "silent for 2 min"), ("1-00:00:00", "silent")]
)
def test_a_job_that_has_just_been_requeued_is_not_called_silent(
    elapsed: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = submitted(tmp_path, arrays=1)[0]
    said = TaskState(job="0_0", node="n1", run=run.id, step=4, steps=10, updated=time.time() - 3600)
    file = Ledger(tmp_path).state_file("s", "a0", 0)
    file.parent.mkdir(parents=True)
    file.write_text(said.model_dump_json())
    row = f"0|0|0|RUNNING|None|{elapsed}|1:00|n1|comment"
    command(tmp_path / "bin", "squeue", f"echo '{row}'", monkeypatch)
    (found,) = statuses(Store(tmp_path), [run])
    assert found.state == "running"
    assert found.reason.startswith(reason)
    assert bool(found.reason) == bool(reason)


def test_a_job_waits_for_the_controller_before_it_is_requeued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tmp_path / "asked"
    silent = 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1'
    script = f"[ -e {asked} ] && exit 0; : > {asked}; {silent}"
    command(tmp_path / "bin", "squeue", script, monkeypatch)
    job.await_scheduler()
    assert asked.exists()
    assert "waiting for Slurm to requeue this job: slurm_load_jobs error" in capsys.readouterr().out
    (tmp_path / "bin" / "squeue").unlink()
    job.await_scheduler()  # submitit then says what is missing
