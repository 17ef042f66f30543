"""Stores of runs that never ran."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec, RunSpec
from harness.store.integrity import read_predictions
from harness.store.records import Metrics, Provenance, RunRecord, Score, SweepPlan
from harness.store.store import Store

DOMAINS = ("fluent_3d", "noto", "openmoji_line", "twemoji")
METHODS = {  # label -> method, given, base accuracy of each domain, spread
    "zero-shot CLIP": ("zero_shot", {}, (34.1, 41.7, 25.4, 44.2), 0.0),
    "full fine-tuning": ("finetune", {}, (38.6, 47.9, 30.2, 50.8), 0.9),
    "CoOp": ("coop", {"lr": 0.002}, (36.2, 44.1, 27.9, 47.0), 1.1),
    "CLIPood": ("clipood", {}, (41.9, 51.3, 33.8, 54.1), 0.6),
    "AlignCLIP": ("alignclip", {}, (43.7, 53.0, 36.4, 56.0), 0.5),
}
N = 2000


def spec(label: str = "", target: str = "noto", seed: int = 0, **values: Any) -> RunSpec:
    defaults: dict[str, Any] = {
        "method": "clipood",
        "config": {"steps": 150, "lr": 3e-4},
        "model": ModelSpec(name="tiny-emoji"),
        "dataset": DatasetSpec(name="emoji"),
        "protocol": DomainShift(),
        "data_seed": seed,
    }
    return RunSpec(label=label, target=target, seed=seed, **(defaults | values))


def record(of: RunSpec, correct: int, n: int = N, **values: Any) -> RunRecord:
    defaults: dict[str, Any] = {
        "dataset_fingerprint": "d" * 16,
        "model_fingerprint": "e" * 16,
        "trained_parameters": 0 if of.method == "zero_shot" else 1000,
    }
    selection = "averaged" if of.method in ("clipood", "alignclip") else "last"
    return RunRecord(
        id=of.id,
        spec=of,
        metrics=Metrics(
            tests={"target": Score(correct=correct, n=n)},
            source_val={"a": Score(correct=1, n=2), "b": Score(correct=2, n=2)},
            zero_shot_val={"a": Score(correct=1, n=4)},
            selection=selection,
            selected_step=150,
        ),
        provenance=Provenance(
            started="2025-01-01T00:00:00Z",
            wall_s=1.0,
            step_ms=2.0,
            peak_memory_mb=3.0,
            device="cpu",
            threads=1,
            host="here",
            git="abc",
            versions={},
            command=["run"],
        ),
        class_names=("x", "y"),
        trained_classes=(0, 1),
        total_parameters=5000,
        citation="",
        predictions_sha256="0" * 64,
        **(defaults | values),
    )


def packed(label: Any, prediction: Any, **values: Any) -> bytes:
    """Return predictions.npz of one test set, or of several if `test` is given."""
    n = len(label)
    arrays = {"test": np.zeros(n), "confidence": np.full(n, 0.5), "score": np.full(n, 0.2)}
    kinds = {
        "test": "u1", "label": "u2", "prediction": "u2", "confidence": "f2", "score": "f2",
        "top": "u2", "logits": "f2", "alignment": "f2", "zero_shot": "u2", "log_probability": "f4",
    }  # fmt: skip
    arrays |= {"label": label, "prediction": prediction} | values
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(own).astype(kinds[name]) for name, own in arrays.items()})
    return buffer.getvalue()


def add(store: Store, of: RunSpec, correct: int, **values: Any) -> None:
    keep(store, record(of, correct, **values))


def keep(store: Store, made: RunRecord, predictions: bytes | None = None) -> None:
    """Add a run with a record that says what the predictions say.

    Without predictions it is taken at its word.
    """
    if predictions is not None:
        found = read_predictions(predictions)
        right = found.label == found.prediction
        tests = {
            name: Score(correct=int(right[found.test == i].sum()), n=int((found.test == i).sum()))
            for i, name in enumerate(made.metrics.tests)
        }
        classes = 1 + max(int(found.label.max()), int(found.prediction.max()), 1)
        update = {
            "metrics": made.metrics.model_copy(update={"tests": tests}),
            "class_names": tuple(f"class {i}" for i in range(classes)),
            "predictions_sha256": hashlib.sha256(predictions).hexdigest(),
        }
        made = made.model_copy(update=update)
    assert store.write(made, predictions or b"")
    if predictions is None:
        (store.run_dir(made.id) / "predictions.npz").unlink()


def fill(store: Store, scores: Mapping[str, Mapping[str, Sequence[int]]], **values: Any) -> None:
    """Add runs: label -> domain -> correct of N, by seed. The label is the method's name too."""
    for label, domains in scores.items():
        for domain, counts in domains.items():
            for seed, correct in enumerate(counts):
                add(store, spec(label, domain, seed, **{"method": label, **values}), correct)


def plan(store: Store, name: str, runs: Iterable[RunSpec], figures: Sequence[Any] = ()) -> None:
    store.write_plan(
        SweepPlan(name=name, source={"name": name, "figures": list(figures)}, runs=tuple(runs))
    )


ABLATION = {
    "kind": "ablation",
    "name": "ablation",
    "title": "Attention alignment (AAL) and semantic label smoothing (SLS)",
    "bars": [
        {"label": "neither", "row": "CLIPood"},
        {"label": "SLS", "row": "alignclip[aal=false]"},
        {"label": "AAL", "row": "alignclip[sls=false]"},
        {"label": "AAL + SLS", "row": "AlignCLIP"},
    ],
}


def realistic(root: Path, ablation: bool = True) -> Store:
    """Five methods, four domains, three seeds, and the ablation, as the quickstart has them."""
    store = Store(root)
    methods = dict(METHODS)
    if ablation:
        methods["alignclip[aal=false]"] = (
            "alignclip",
            {"aal": False},
            (42.3, 52.2, 34.3, 54.9),
            0.6,
        )
        methods["alignclip[sls=false]"] = (
            "alignclip",
            {"sls": False},
            (43.0, 52.4, 35.5, 55.1),
            0.4,
        )
    runs = []
    for m, (label, (method, given, bases, wobble)) in enumerate(methods.items()):
        for d, (domain, base) in enumerate(zip(DOMAINS, bases, strict=True)):
            for seed in range(3):
                config = {"steps": 150, "lr": 3e-4} | given
                run = spec(label, domain, seed, method=method, given=given, config=config)
                runs.append(run)
                shift = wobble * (((7 * m + 5 * d + 11 * seed) % 13) / 6 - 1)
                add(store, run, round((base + shift) * N / 100))
    plan(store, "quickstart", runs, [ABLATION] if ablation else [])
    return store
