"""Stores whose records and predictions agree, without any run."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.records import Metrics, Provenance, RunRecord, Score, SweepPlan
from harness.store.store import Store

SECRET = ("gpu17.lab.example", "/home/jane", "jane", "Secret Project")


def spec(seed: int = 0, method: str = "clipood", **values: Any) -> RunSpec:
    defaults: dict[str, Any] = {
        "config": {"steps": 3},
        "model": ModelSpec(
            name="local-dir:/home/jane/Secret Project/clip", fingerprint="0123456789abcdef"
        ),
        "dataset": DatasetSpec(name="emoji"),
        "protocol": DomainShift(),
        "target": "noto",
        "data_seed": seed,
        "given": {"file": "/home/jane/x.yaml"},
        "label": "ours [file=/home/jane/x.yaml]",
    }
    return RunSpec(method=method, seed=seed, **(defaults | values))


def made(of: RunSpec, correct: tuple[int, ...] = (6,), n: int = 10) -> tuple[RunRecord, bytes]:
    """Return a record and its predictions: of `n` images a test set, the first are right."""
    names = {"domain_shift": ("target",), "open_class": ("base", "new")}[of.protocol.name]
    rng = np.random.default_rng(of.seed)
    columns: dict[str, list[Any]] = {k: [] for k in ("test", "label", "prediction")}
    for number, right in enumerate(correct):
        labels = rng.integers(0, 3, n)
        columns["test"].append(np.full(n, number, np.uint8))
        columns["label"].append(labels.astype(np.uint16))
        wrong = (labels + 1) % 3
        guess = np.where(np.arange(n) < right, labels, wrong)
        columns["prediction"].append(guess.astype(np.uint16))
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    for name in ("confidence", "score"):
        arrays[name] = rng.random(len(arrays["test"])).astype(np.float16)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    record = RunRecord(
        id=of.id,
        spec=of,
        metrics=Metrics(
            tests={k: Score(correct=c, n=n) for k, c in zip(names, correct, strict=True)},
            source_val={"twemoji": Score(correct=1, n=2)},
            zero_shot_val={"twemoji": Score(correct=1, n=2)},
            selection="last",
            selected_step=3,
            losses={"classification": [1.0, 0.5]},
        ),
        provenance=Provenance(
            started="2026-01-01T00:00:00+00:00", wall_s=1.0, step_ms=2.0, peak_memory_mb=3.0,
            device="cpu", threads=1, host="gpu17.lab.example", git="a" * 40, versions={},
            command=["/home/jane/Secret Project/run.py", "run", "--data-root=/home/jane/d"],
        ),
        dataset_fingerprint="d",
        model_fingerprint="m",
        class_names=("x", "y", "z"),
        trained_classes=(0, 1),
        trained_parameters=1,
        total_parameters=2,
        citation="A paper, https://example.org/paper",
        predictions_sha256=hashlib.sha256(buffer.getvalue()).hexdigest(),
    )  # fmt: skip
    return record, buffer.getvalue()


def filled(root: Path, *runs: RunSpec, correct: int = 6) -> Store:
    """Return a store with these runs and a plan that also wants seed 9."""
    store = Store(root)
    log = root / "log"
    root.mkdir(parents=True, exist_ok=True)
    log.write_text("reading /home/jane/Secret/images\n")
    for run in runs:
        store.write(*made(run, (correct,)), log=log)
    log.unlink()
    source = {"name": "mine", "models": [{"name": "local-dir:/home/jane/Secret/clip"}]}
    store.write_plan(SweepPlan(name="mine", source=source, runs=(*runs, spec(9))))
    return store
