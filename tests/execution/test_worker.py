"""Worker processes: kills and stops."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import registry
from harness.execution.context import Context
from harness.execution.local import run_local
from harness.execution.memory import out_of_memory
from harness.execution.order import Order
from harness.execution.run import Shared, execute
from harness.execution.worker import claimed, run_one
from harness.specs import RunSpec
from harness.store.store import Store
from tests.engine import make_context, make_spec, outcome, wait_for

ROOT = Path(__file__).resolve().parents[2]


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


def test_a_run_that_another_has_done_meanwhile_is_no_failure(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without file locks two may do one run; who ends first clears away the other's files."""
    spec = make_spec("zero_shot", image_folder, random_clip)
    context = make_context(tmp_path / "store", image_folder)

    def overtaken(*args: Any) -> None:
        execute(*args[:2])
        raise FileNotFoundError("checkpoint.pt")

    monkeypatch.setattr("harness.execution.run.execute", overtaken)
    out = io.StringIO()
    run_one(spec, context, Shared(context), lambda: False, out)  # type: ignore[arg-type]
    assert json.loads(out.getvalue())["event"] == "done"
    assert not list((tmp_path / "store" / "failures").glob("*"))


def test_a_run_that_another_process_holds_is_left_to_it(
    image_folder: Path, random_clip: Path, tmp_path: Path
) -> None:
    spec = make_spec("zero_shot", image_folder, random_clip)
    with claimed(Store(tmp_path).work_dir(spec.id)) as mine:
        assert mine
        result = run_local([spec], make_context(tmp_path, image_folder))
    assert (result.done, result.busy, result.failed) == (0, 1, [])
    assert not Store(tmp_path).has(spec.id)


def test_a_parent_that_is_killed_is_no_failure_of_the_run(
    image_folder: Path, random_clip: Path, tmp_path: Path, slow_plugin: Path
) -> None:
    spec = make_spec("slow", image_folder, random_clip, steps=400, batch_per_domain=4)
    worker = Process(make_context(tmp_path, image_folder, plugins=(str(slow_plugin),)), spec)
    assert worker.process.stdout is not None
    assert json.loads(worker.process.stdout.readline())["event"] == "progress"
    worker.process.stdout.close()  # what the worker says next finds nobody
    worker.process.wait(60)
    assert Store(tmp_path).failure(spec.id) is None
    assert (Store(tmp_path).work_dir(spec.id) / "checkpoint.pt").is_file()


def test_a_gpu_that_is_not_there_is_said_in_one_line(
    image_folder: Path, random_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    spec = make_spec("zero_shot", image_folder, random_clip)
    (event,) = Process(make_context(tmp_path, image_folder, device="cuda"), spec).events()
    assert event["event"] == "unfit"
    assert "sees no CUDA device" in event["error"]
    assert "\n" not in event["error"]


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), MemoryError()],
)
def test_a_run_out_of_memory_says_what_helps_and_leaves_the_process_clean(
    image_folder: Path,
    random_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    context = make_context(tmp_path / "store", image_folder)
    shared = Shared(context)
    held: list[weakref.ref[torch.Tensor]] = []
    cls = registry.method_class("finetune")

    def full(self: Any, batch: Any) -> Any:
        features = self.image_features(batch.images)
        held.append(weakref.ref(features))
        raise error

    spec = make_spec("finetune", image_folder, random_clip, micro_batch=6)
    out = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(cls, "losses", full)
        run_one(spec, context, shared, lambda: False, out)  # type: ignore[arg-type]
    event = json.loads(out.getvalue())
    assert event["event"] == "failed"
    assert event["user"]
    assert event["error"].startswith("out of memory on ")
    assert "micro_batch=3" in event["error"]
    assert "--activation-checkpointing" in event["error"]
    failure = Store(context.store).failure(spec.id)
    assert failure is not None
    assert type(error).__name__ in failure.traceback
    coupled = make_spec("tes", image_folder, random_clip)
    assert "micro_batch" not in str(out_of_memory(coupled, "cpu"))  # it would be refused
    assert [ref() for ref in held] == [None]
    run_one(spec, context, shared, lambda: False, out)  # type: ignore[arg-type]
    assert json.loads(out.getvalue().splitlines()[-1])["event"] == "done"
