"""What a job does with its GPUs, with a worker that dies, and when the controller is away."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from harness import registry
from harness.execution.order import Order
from harness.execution.slurm import job
from harness.execution.slurm.ledger import JobTask, state_of_seat
from harness.store.store import Store
from tests.engine import make_context, make_spec
from tests.execution.meeting import Meeting
from tests.execution.slurm.fakes import command, spec


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


def test_a_job_does_as_many_runs_at_a_time_as_it_has_room(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-7,9")
    meeting = Meeting(tmp_path / "here", wanted=4)
    registry.add_plugin_file(str(meeting.plugin))
    runs = [make_spec("meeting", image_folder, random_clip, seed=n, steps=2) for n in range(5)]
    store = Store(tmp_path / "store")
    task = JobTask(
        context=make_context(store.root, image_folder, plugins=(str(meeting.plugin),)),
        state_file=tmp_path / "0.state", runs=tuple(runs), gpus=2, runs_per_gpu=2,
    )  # fmt: skip
    (tmp_path / "0.json").write_text(task.model_dump_json())
    counts = job.RunPack(str(tmp_path / "0.json"))()
    assert counts == {"done": 5, "failed": 0, "busy": 0, "skipped": 0}
    assert [meeting.gpus()[seed] for seed in range(4)] == ["5", "GPU-7", "5", "GPU-7"]
    for run in runs:
        made = store.read(run.id).provenance
        assert (made.gpu, made.runs_per_gpu) == (meeting.gpus()[run.seed], 2)
    assert all(state_of_seat(task.state_file, seat).is_file() for seat in range(4))


@pytest.mark.parametrize("healthy", [True, False], ids=["one of two", "every one"])
def test_a_gpu_that_does_not_answer_takes_no_run_from_the_others(
    healthy: bool,
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    broken = make_context(tmp_path, image_folder, device="cuda", gpu="0")
    other = make_context(tmp_path, image_folder) if healthy else broken
    monkeypatch.setattr(job, "seated", lambda *_: [broken, other])
    runs = [make_spec("zero_shot", image_folder, random_clip, seed=n) for n in range(3)]
    task = JobTask(context=broken, state_file=tmp_path / "0.state", runs=tuple(runs))
    counts = job._Job(task).run()
    assert (counts["done"], counts["failed"]) == ((3, 0) if healthy else (0, 3))
    failed = [Store(tmp_path).failure(run.id) is not None for run in runs]
    assert failed == [not healthy] * 3


@pytest.mark.parametrize("killed", [True, False], ids=["with its whole job", "alone"])
def test_a_killed_job_is_no_failure_of_its_run(
    killed: bool, image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = Store(tmp_path / "store"), spec("finetune")
    context = make_context(store.root, image_folder)
    left = job._Job(JobTask(context=context, state_file=tmp_path / "0.state", runs=(run,)))
    left.seats[0].order = Order(do="run", spec=run)

    def sleep(seconds: float) -> None:
        if killed:
            raise SystemExit  # Slurm's SIGKILL has reached this process, too

    monkeypatch.setattr(job.time, "sleep", sleep)
    try:
        left._died(left.seats[0], -signal.SIGKILL)
    except SystemExit:
        assert killed
    failure = store.failure(run.id)
    assert (failure is None) == killed
    assert failure is None or "signal SIGKILL" in failure.error


def test_a_worker_that_is_cancelled_while_it_starts_fails_no_run(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = Store(tmp_path / "store"), spec("finetune")
    context = make_context(store.root, image_folder)
    left = job._Job(JobTask(context=context, state_file=tmp_path / "0.state", runs=(run,)))
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise SystemExit  # the SIGKILL that follows Slurm's SIGTERM

    def terminated(*_: object) -> None:
        worker = left.seats[0].worker
        assert worker is not None
        worker.process.terminate()  # before it can have a handler: it has only just been started

    monkeypatch.setattr(job.time, "sleep", sleep)
    monkeypatch.setattr(job.Worker, "start", terminated)
    with pytest.raises(SystemExit):
        left.run()
    assert waited == [job.PAUSE_SECONDS] * 2
    assert store.failure(run.id) is None
