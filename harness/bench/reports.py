"""Reports of stores of many runs, which never ran."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from harness import registry, resources
from harness.bench.record import BenchRow, BenchSetting
from harness.specs import RunSpec
from harness.store.records import Metrics, Provenance, RunRecord, Score
from harness.store.store import Store
from harness.sweep import file as sweeps

SWEEP = "table1-domain-shift"
"""Its data sets and methods, the latter in many configurations."""
TARGETS = 22
"""Held-out domains of that sweep."""
SIZES = (1_000, 10_000)
GROWTH = ("tables, first time", "with evidence and page")
"""What is said of each record's share in both sizes."""


def measure(setting: BenchSetting, root: Path) -> list[BenchRow]:
    """Return the time of reports of the larger store, and how it grows with the records."""
    rows, seconds = [], {}
    for size in SIZES:
        store = root / f"store{size}"
        runs = make(store, size, 500)
        for name, words in verbs(store, root / "out").items():
            found = measured(words)
            seconds[name, size] = found["cpu_s"] / runs * 1e3
            rows.append(
                BenchRow(
                    group="report",
                    what=f"{runs:,} records: {name}",
                    values=(found["cpu_s"],),
                    unit="s",
                )
            )
    small, large = SIZES
    for name in GROWTH:
        ratio = seconds[name, large] / seconds[name, small]
        what = f"{name}: per record, {large:,} / {small:,}"
        rows.append(BenchRow(group="report", what=what, values=(ratio,)))
    return rows


def sweep_of(runs: int) -> dict[str, Any]:
    """Return a sweep of about so many runs."""
    seeds = 10 if runs >= 1000 else 3
    listed = sweeps.read_sweep(SWEEP)
    listed_methods = [row if isinstance(row, str) else row.method for row in listed.methods]
    names = [name for name in listed_methods if registry.method_class(name).trains]
    rows: list[dict[str, Any]] = []
    for i in range(max(2, round(runs / TARGETS / seeds))):
        method, rate = names[i % 3], 1e-6 * (1 + i)
        rows.append({"method": method, "label": f"{method} {i}", "params": {"lr": rate}})
    return {
        "name": "bench",
        "model": {"name": "ViT-B-16", "pretrained": "openai"},
        "datasets": [dataset.name for dataset in listed.datasets],
        "protocol": "domain_shift",
        "seeds": list(range(seeds)),
        "defaults": {"steps": 5000},
        "reference": str(rows[1]["label"]),
        "methods": rows,
    }


def make(root: Path, runs: int, images: int) -> int:
    """Write a store with the sweep's runs and return how many they are.

    Without the store's own care, which would take most of the time.
    """
    root.mkdir(parents=True, exist_ok=True)
    file = root / "bench.yaml"
    file.write_text(yaml.safe_dump(sweep_of(runs)), encoding="utf-8")
    sweep = sweeps.read_sweep(str(file))
    specs = sweeps.expand_sweep(sweep, None, str(file), outline=True)
    store = Store(root)
    for number, spec in enumerate(specs):
        classes = registry.dataset_class(spec.dataset.name).expected_classes
        predictions, correct = answers(spec, number, images, classes)
        record = record_of(spec, predictions, correct, images, classes)
        folder = store.run_dir(record.id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "predictions.npz").write_bytes(predictions)
        (folder / "record.json").write_text(record.model_dump_json(indent=1), encoding="utf-8")
        (folder / "log.txt").write_text(f"a line of {spec.title()}\n" * 40, encoding="utf-8")
    store.write_plan(sweeps.plan_of(sweep, specs))
    return len(specs)


def answers(spec: RunSpec, number: int, images: int, classes: int) -> tuple[bytes, int]:
    """Return a run's ``predictions.npz`` and how many of them are right."""
    task = int(hashlib.sha256(f"{spec.dataset.name}/{spec.target}".encode()).hexdigest()[:8], 16)
    label = np.random.default_rng(task).integers(0, classes, images)
    draw = np.random.default_rng(number)
    right = draw.random(images) < 0.55 + 0.3 * (task % 97) / 97 + 0.05 * draw.random()
    prediction = np.where(right, label, (label + 1) % classes)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        test=np.zeros(images, np.uint8),
        label=label.astype(np.uint16),
        prediction=prediction.astype(np.uint16),
        confidence=draw.random(images).astype(np.float16),
        score=(0.2 + 0.1 * draw.random(images)).astype(np.float16),
    )
    return buffer.getvalue(), int((prediction == label).sum())


def record_of(
    spec: RunSpec, predictions: bytes, correct: int, images: int, classes: int
) -> RunRecord:
    """Return a record that the predictions agree with."""
    half = {"a": Score(correct=400, n=800), "b": Score(correct=300, n=700)}
    return RunRecord(
        id=spec.id,
        spec=spec,
        metrics=Metrics(
            tests={"target": Score(correct=correct, n=images)},
            source_val=half,
            zero_shot_val=half,
            selection="averaged",
            selected_step=5000,
            losses={"loss": [1 / (i + 1) for i in range(10)]},
        ),
        provenance=Provenance(
            started="2025-01-01T00:00:00Z",
            wall_s=900.0 + spec.seed,
            step_ms=180.0,
            peak_memory_mb=9000.0,
            device="a GPU",
            threads=4,
            host="node",
            git="abc",
            versions={"python": "3.11", "torch": "2.4", "numpy": "2.0"},
            command=["run_benchmark.py", "sweep", "run", "bench"],
        ),
        dataset_fingerprint="d" * 16,
        model_fingerprint="e" * 16,
        class_names=tuple(f"the class of number {i}" for i in range(classes)),
        trained_classes=tuple(range(classes)),
        trained_parameters=86_000_000,
        total_parameters=150_000_000,
        citation="nobody",
        predictions_sha256=hashlib.sha256(predictions).hexdigest(),
    )


def verbs(store: Path, out: Path) -> dict[str, list[str]]:
    """Return what is measured, by name."""
    report = ["report", "--store", str(store), "--out", str(out), "--format", "md,csv,tex"]
    return {
        "tables, first time": [*report, "--no-evidence"],
        "tables": [*report, "--no-evidence"],
        "with evidence": report,
        "with evidence and page": [*report, "--html"],
        "sweep plan": ["sweep", "plan", str(store / "bench.yaml"), "--store", str(store)],
    }


def measured(words: list[str]) -> dict[str, float]:
    """Run the program and return seconds of the processor, seconds on the clock, peak memory.

    Raises:
        RuntimeError: If it fails.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "harness.cli", *words]
    environment = os.environ | {"PYTHONPATH": str(resources.CODE)}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    assert process.stderr is not None  # it is a pipe
    said = process.stderr.read().decode(errors="replace")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)}: exit status {process.returncode}: {said[-300:]}")
    return {
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "wall_s": round(time.perf_counter() - began, 2),
        "peak_mb": round(used.ru_maxrss / 2**10),
    }
