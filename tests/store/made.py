"""A record with made-up numbers."""

from __future__ import annotations

from harness.specs import RunSpec
from harness.store.records import Metrics, Provenance, RunRecord, Score


def record(run: RunSpec, correct: int = 5) -> RunRecord:
    return RunRecord(
        id=run.id,
        spec=run,
        metrics=Metrics(
            tests={"target": Score(correct=correct, n=10)},
            source_val={"b": Score(correct=1, n=2)},
            zero_shot_val={"b": Score(correct=1, n=2)},
            selection="last",
            selected_step=3,
        ),
        provenance=Provenance(
            started="2026-01-01T00:00:00+00:00", wall_s=1.0, step_ms=2.0, peak_memory_mb=3.0,
            device="cpu", threads=1, host="h", git="", versions={}, command=[],
        ),
        dataset_fingerprint="d",
        model_fingerprint="m",
        class_names=("x", "y"),
        trained_classes=(0, 1),
        trained_parameters=1,
        total_parameters=2,
        citation="c",
        predictions_sha256="p",
    )  # fmt: skip
