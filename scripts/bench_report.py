"""Measure what reports of a store of many runs cost: time, memory, and calls to the file system.

    python scripts/bench_report.py 10000                 # a store is made, measured and deleted
    python scripts/bench_report.py 10000 --store DIR     # it is kept, and found there the next time

The runs never ran: methods of several configurations on the five data sets of DomainBed, ten seeds,
predictions as the engine writes them. Each verb is a process of its own, as a user starts it. The
first reads every record; the others find what it noted. JSON on standard output.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness import registry  # noqa: E402
from harness.specs import RunSpec  # noqa: E402
from harness.store.records import Metrics, Provenance, RunRecord, Score  # noqa: E402
from harness.store.store import Store  # noqa: E402
from harness.sweep import file as sweeps  # noqa: E402

DATASETS = ("PACS", "VLCS", "OfficeHome", "TerraIncognita", "DomainNet")
METHODS = ("finetune", "clipood", "alignclip")
TARGETS = 22


def sweep_of(runs: int) -> dict[str, Any]:
    """Return a sweep of about so many runs."""
    seeds = 10 if runs >= 1000 else 3
    rows: list[dict[str, Any]] = [{"method": "zero_shot", "label": "zero-shot CLIP"}]
    for i in range(max(1, round(runs / TARGETS / seeds) - 1)):
        method, rate = METHODS[i % len(METHODS)], 1e-6 * (1 + i)
        rows.append({"method": method, "label": f"{method} {i}", "params": {"lr": rate}})
    return {
        "name": "bench",
        "model": {"name": "ViT-B-16", "pretrained": "openai"},
        "datasets": list(DATASETS),
        "protocol": "domain_shift",
        "seeds": list(range(seeds)),
        "defaults": {"steps": 5000},
        "reference": "clipood 1" if len(rows) > 2 else "zero-shot CLIP",
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
            step_ms=None if spec.method == "zero_shot" else 180.0,
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
        trained_parameters=0 if spec.method == "zero_shot" else 86_000_000,
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
        SystemExit: If it fails.
    """
    began = time.perf_counter()
    command = [sys.executable, str(ROOT / "run_benchmark.py"), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: exit status {process.returncode}")
    return {
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "wall_s": round(time.perf_counter() - began, 2),
        "peak_mb": round(used.ru_maxrss / 2**10),
    }


def calls(words: list[str], store: Path, runs: int) -> dict[str, float] | None:
    """Return system calls on paths in the store per record, by name; None without strace."""
    if shutil.which("strace") is None:
        return None
    with TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        strace = ["strace", "-f", "-qq", "-e", "trace=%file,getdents64", "-o", str(log)]
        command = [*strace, sys.executable, str(ROOT / "run_benchmark.py"), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        own = Counter(
            match[1]
            for line in log.read_text(errors="replace").splitlines()
            if (match := re.match(r"\d+\s+(\w+)\(", line)) and f'"{store}/' in line
        )
    return {name: round(count / runs, 2) for name, count in own.most_common() if count > runs / 20}


def main(arguments: list[str] | None = None) -> None:
    """Make a store, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("runs", type=int)
    parser.add_argument("--images", type=int, default=2000, help="tested by each run (%(default)s)")
    parser.add_argument("--store", type=Path, help="where the store is, or is to be made and kept")
    args = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        store = (args.store or Path(folder) / "store").resolve()
        if not (store / "bench.yaml").is_file():
            make(store, args.runs, args.images)
        runs = sum(1 for _ in (store / "runs").iterdir())
        result: dict[str, Any] = {"runs": runs, "images": args.images}
        for name, words in verbs(store, Path(folder) / "out").items():
            result[name] = measured(words) | {"calls": calls(words, store, runs)}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
