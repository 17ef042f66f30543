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
from tests.execution.slurm.fakes import command, spec

MEETING = '''
import os, time
from pathlib import Path
from harness import registry

class Meeting(registry.method_class("finetune")):
    """Fine-tuning that waits in its first step until another run is at its first step, too."""
    name = "meeting"
    summary = "meeting"

    def losses(self, batch):
        if batch.step == 0:
            gpu, here = os.environ["CUDA_VISIBLE_DEVICES"], Path("{here}")
            (here / f"{{gpu}}-{{os.getpid()}}").touch()
            until = time.monotonic() + 60
            while len(list(here.iterdir())) < 2:
                assert time.monotonic() < until, "alone"
                time.sleep(0.01)
        return super().losses(batch)
'''


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


def test_a_job_does_as_many_runs_at_a_time_as_it_has_gpus(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_extra_files", [])
    monkeypatch.setattr(registry, "_found", {})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-7,9")
    here = tmp_path / "here"
    here.mkdir()
    plugin = tmp_path / "meeting.py"
    plugin.write_text(MEETING.format(here=here))
    registry.add_plugin_file(str(plugin))
    runs = [make_spec("meeting", image_folder, random_clip, seed=n, steps=2) for n in range(3)]
    store = Store(tmp_path / "store")
    task = JobTask(
        context=make_context(store.root, image_folder, plugins=(str(plugin),)),
        state_file=tmp_path / "0.state", runs=tuple(runs), seats=2,
    )  # fmt: skip
    (tmp_path / "0.json").write_text(task.model_dump_json())
    counts = job.RunPack(str(tmp_path / "0.json"))()
    assert counts == {"done": 3, "failed": 0, "busy": 0, "skipped": 0}
    assert all(store.has(run.id) for run in runs)
    assert {file.name.partition("-")[0] for file in here.iterdir()} == {"5", "GPU"}
    assert all(state_of_seat(task.state_file, seat).is_file() for seat in range(2))


@pytest.mark.parametrize(
    ("seats", "visible", "gpus"),
    [
        (1, "3", [""]), (2, "3,4", ["3", "4"]), (2, "", ["0", "1"]), (4, "0,1", ["0", "1"]),
        (2, "MIG-a,MIG-b,MIG-c", ["MIG-a", "MIG-b"]),
    ],
)  # fmt: skip
def test_which_gpu_a_worker_sees(
    seats: int, visible: str, gpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert job.gpus_of_seats(seats) == gpus


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
