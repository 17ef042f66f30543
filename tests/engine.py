"""Small real runs: a random tiny CLIP on coloured squares, a second or less each."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.cli import run as verb_run
from harness.cli import running
from harness.execution.context import Context
from harness.protocols import Protocol
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.sweep import plan

SMALL: dict[str, dict[str, Any]] = {
    "zero_shot": {},
    "finetune": {"steps": 12, "batch_per_domain": 4, "lr": 1e-3},
    "label_smoothing": {"steps": 12, "batch_per_domain": 4, "lr": 1e-3},
    "average_pooling": {"steps": 12, "batch_per_domain": 4, "lr": 1e-3},
    "tes": {"steps": 12, "batch_per_domain": 4, "lr": 1e-3},
    "wise_ft": {"steps": 12, "batch_per_domain": 4, "lr": 1e-3},
    "clip_surgery": {"depth": 2},
    "clipood": {"steps": 12, "batch_per_domain": 4, "lr": 1e-3},
    "alignclip": {
        "steps": 12, "batch_per_domain": 4, "lr": 1e-3, "aligned_layers": 2, "branch_depth": 2,
    },
    "coop": {"steps": 12, "batch_per_domain": 4, "lr": 0.02, "n_ctx": 4, "feature_views": 2},
    "cocoop": {"steps": 12, "batch_per_domain": 4, "lr": 0.02, "reduction": 2, "feature_views": 2},
    "maple": {"steps": 12, "batch_per_domain": 4, "lr": 0.02, "depth": 2},
}  # fmt: skip
"""Settings with which each method fits `conftest.make_model`'s tower."""


def make_spec(
    method: str,
    images: Path,
    model: Path,
    target: str = "domain1",
    seed: int = 0,
    selection: Any = "own",
    protocol: Protocol | None = None,
    **given: Any,
) -> RunSpec:
    """Return one run of `method` in its small settings, changed by `given`."""
    dataset = DatasetSpec(name="folder")
    (spec,) = plan.expand(
        [plan.resolve_method(method, {**SMALL.get(method, {}), **given})],
        ModelSpec(name=f"local-dir:{model}"),
        dataset,
        protocol or DomainShift(),
        [target],
        [seed],
        plan.open_dataset(dataset, images),
        selection,
    )
    return spec


def make_context(store: Path, images: Path, **changes: Any) -> Context:
    """Return a context without a cache on disk, on one thread."""
    return Context(store=store, data_root=images, **{"cache": None, **changes})


def outcome(store: Path, run_id: str) -> tuple[bytes, bytes]:
    """Return the bytes that must not depend on how a run came to its end."""
    from harness.store.store import Store

    record = Store(store).read(run_id)
    predictions = (Store(store).run_dir(run_id) / "predictions.npz").read_bytes()
    return record.metrics.model_dump_json().encode(), predictions


def wait_for(what: Any, process: subprocess.Popen[str] | None = None, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        assert process is None or process.poll() is None, "the process ended early"
        time.sleep(0.01)


def stop_after(calls: int) -> Callable[[], bool]:
    left = [calls]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    return stop


@contextlib.contextmanager
def planned_here(args: argparse.Namespace) -> Iterator[tuple[running.Prepared, None]]:
    """Plan the runs of `run` in this very process, in place of `harness.cli.apart`."""
    prepared = verb_run.planned(args)
    assert prepared is not None
    yield prepared, None
