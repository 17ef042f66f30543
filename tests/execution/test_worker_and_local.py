"""Worker processes: kills, stops, failures, and what the executor makes of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.execution.context import Context
from harness.execution.local import run_local
from harness.execution.order import Order
from harness.execution.run import Shared, execute
from harness.execution.worker import claimed
from harness.specs import RunSpec
from harness.store.store import Store
from tests.engine import make_context, make_spec, outcome

ROOT = Path(__file__).resolve().parents[2]
SLOW_PLUGIN = '''
import os, signal, time
from harness import registry
base = registry.method_class("finetune")

class Slow(base):
    """Fine-tuning whose steps take a while; an odd seed ends its own process."""
    name = "slow"
    summary = "slow"

    def losses(self, batch):
        time.sleep(0.05)
        if self.seed % 2 and batch.step == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().losses(batch)

    def build(self, backbone, task):
        self.seed = task.seed
        return super().build(backbone, task)
'''


@pytest.fixture(scope="module")
def slow_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from harness import registry

    file = tmp_path_factory.mktemp("plugin") / "slow.py"
    file.write_text(SLOW_PLUGIN)
    registry.add_plugin_file(str(file))
    return file


class Process:
    """A worker process under the test's control."""

    def __init__(self, context: Context, spec: RunSpec) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.execution.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        order = Order(do="run", spec=spec)
        assert self.process.stdin is not None
        self.process.stdin.write(context.model_dump_json() + "\n" + order.model_dump_json() + "\n")
        self.process.stdin.flush()

    def events(self) -> list[dict[str, Any]]:
        """Close the queue, wait for the end and return what was said."""
        out, _ = self.process.communicate(timeout=120)
        return [json.loads(line) for line in out.splitlines()]


def wait_for(what: Any, process: subprocess.Popen[str] | None = None, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        assert process is None or process.poll() is None, "the process ended early"
        time.sleep(0.01)


@pytest.mark.parametrize("method", ["slow", "clipood"])
def test_sigkill_at_any_moment_and_again_gives_the_same_bytes(
    image_folder: Path, random_clip: Path, tmp_path: Path, slow_plugin: Path, method: str
) -> None:
    spec = make_spec(method, image_folder, random_clip, steps=30, batch_per_domain=4, lr=1e-3)
    plugins = (str(slow_plugin),)
    execute(spec, Shared(make_context(tmp_path / "whole", image_folder)))
    context = make_context(
        tmp_path / "killed", image_folder, checkpoint_seconds=0.0, plugins=plugins
    )
    checkpoint = Store(context.store).work_dir(spec.id) / "checkpoint.pt"
    for attempt in range(2):
        worker = Process(context, spec)
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        wait_for(
            lambda seen=before: (
                (checkpoint.exists() and checkpoint.stat().st_mtime_ns > seen)
                or Store(context.store).has(spec.id)
            )
        )  # fmt: skip
        time.sleep(0.02 * attempt)
        worker.process.kill()
        worker.process.wait()
    assert Process(context, spec).events()[-1]["event"] == "done"
    record = Store(context.store).read(spec.id)
    assert record.provenance.resumed >= (1 if method == "slow" else 0)
    assert outcome(context.store, spec.id) == outcome(tmp_path / "whole", spec.id)


def test_sigterm_writes_a_checkpoint_and_ends(
    image_folder: Path, random_clip: Path, tmp_path: Path, slow_plugin: Path
) -> None:
    spec = make_spec("slow", image_folder, random_clip, steps=400, batch_per_domain=4)
    context = make_context(tmp_path, image_folder, plugins=(str(slow_plugin),))
    worker = Process(context, spec)
    assert worker.process.stdout is not None
    first = json.loads(worker.process.stdout.readline())  # it trains
    assert first["event"] == "progress"
    worker.process.terminate()
    assert worker.events()[-1]["event"] == "stopped"
    assert worker.process.returncode == 0
    assert (Store(tmp_path).work_dir(spec.id) / "checkpoint.pt").is_file()
    assert Store(tmp_path).failure(spec.id) is None


def test_a_run_that_another_process_holds_is_left_to_it(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("zero_shot", image_folder, random_clip)
    with claimed(Store(tmp_path).work_dir(spec.id)) as mine:
        assert mine
        result = run_local([spec], make_context(tmp_path, image_folder))
    assert (result.done, result.busy, result.failed) == (0, 1, [])
    assert not Store(tmp_path).has(spec.id)


def test_done_runs_are_skipped_and_equal_specs_run_once(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("zero_shot", image_folder, random_clip)
    context = make_context(tmp_path, image_folder)
    first = run_local([spec, spec.model_copy(update={"label": "again"})], context, workers=2)
    assert (first.done, first.skipped) == (1, 0)
    again = run_local([spec], context)
    assert (again.done, again.skipped) == (0, 1)


def test_failures_are_recorded_and_the_rest_goes_on(
    image_folder: Path, random_clip: Path, tmp_path: Path, slow_plugin: Path
) -> None:
    specs = [
        make_spec("finetune", image_folder, random_clip, lr=1e30),  # raises
        make_spec("slow", image_folder, random_clip, seed=1, steps=8, batch_per_domain=2),  # dies
        make_spec("zero_shot", image_folder, random_clip),
    ]
    context = make_context(tmp_path, image_folder, plugins=(str(slow_plugin),))
    result = run_local(specs, context)
    store = Store(tmp_path)
    assert result.done == 1
    assert store.has(specs[2].id)
    raised, died = store.failure(specs[0].id), store.failure(specs[1].id)
    assert raised is not None
    assert died is not None
    assert "FloatingPointError" in raised.error
    assert "Traceback" in raised.traceback
    assert "SIGKILL" in died.error
    run_local(specs[:1], context)
    tried = store.failure(specs[0].id)
    assert tried is not None
    assert tried.attempts == 2


def test_fail_fast_starts_nothing_more(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    specs = [
        make_spec("finetune", image_folder, random_clip, lr=1e30),
        make_spec("zero_shot", image_folder, random_clip),
    ]
    result = run_local(specs, make_context(tmp_path, image_folder), fail_fast=True)
    assert (result.done, len(result.failed)) == (0, 1)


def test_two_workers_give_the_numbers_of_one(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    specs = [make_spec(name, image_folder, random_clip) for name in ("clipood", "coop", "finetune")]
    for workers in (1, 2):
        context = make_context(tmp_path / str(workers), image_folder, cache=tmp_path / "cache")
        assert run_local(specs, context, workers).done == 3
    for spec in specs:
        assert outcome(tmp_path / "1", spec.id) == outcome(tmp_path / "2", spec.id)


def test_interrupting_the_command_stops_and_the_next_call_continues(
    image_folder: Path, random_clip: Path, tmp_path: Path, slow_plugin: Path
) -> None:
    command = [
        sys.executable, "run_benchmark.py", "run",
        "slow[steps=60,batch_per_domain=4,lr=0.001]",
        "--plugin", str(slow_plugin), "--model", f"local-dir:{random_clip}",
        "--dataset", "folder", "--data-root", str(image_folder), "--target", "domain1",
        "--store", str(tmp_path), "--cache-dir", str(tmp_path / "cache"),
    ]  # fmt: skip
    spec = make_spec("slow", image_folder, random_clip, steps=60, batch_per_domain=4, lr=0.001)
    log = Store(tmp_path).work_dir(spec.id) / "log.txt"
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    wait_for(log.exists, process)
    time.sleep(1.0)  # into the steps, most likely; any other moment must do, too
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "the same command continues" in said
    assert (Store(tmp_path).work_dir(spec.id) / "checkpoint.pt").is_file()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    record = Store(tmp_path).read(spec.id)
    assert record.provenance.resumed == 1
    execute(spec, Shared(make_context(tmp_path / "whole", image_folder)))
    assert outcome(tmp_path, spec.id) == outcome(tmp_path / "whole", spec.id)
