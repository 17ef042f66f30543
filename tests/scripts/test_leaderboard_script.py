"""The host's script on a good archive and on bad ones; the workflow calls what there is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.execution.run import Shared, execute
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec
from harness.store.exchange.archive import export
from harness.store.store import Store
from harness.sweep import plan
from tests.engine import make_context

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one run on the embedded model and data, which anybody has."""
    root = tmp_path_factory.mktemp("sent")
    dataset = DatasetSpec(name="emoji")
    opened = plan.open_dataset(dataset, None)
    choice = plan.resolve_method("finetune", {"steps": 3, "batch_per_domain": 2})
    (spec,) = plan.expand(
        [choice], ModelSpec(name="tiny-emoji"), dataset, DomainShift(), ["noto"], [0], opened
    )
    execute(spec, Shared(make_context(root / "store", root)))
    return root / "store"


def take_in(folder: Path, *archives: Path) -> subprocess.CompletedProcess[str]:
    words = [str(ROOT / "scripts" / "leaderboard.sh"), str(folder / "own"), str(folder / "site")]
    environment = os.environ | {
        "CLIP_BENCH": f"{sys.executable} {ROOT / 'run_benchmark.py'}",
        "CLIP_BENCH_CACHE": str(folder / "cache"),
    }
    files = [str(path) for path in archives]
    return subprocess.run(
        [*words, *files], capture_output=True, text=True, env=environment, check=False, cwd=folder
    )


def test_a_good_archive_is_repeated_merged_and_published(store: Path, tmp_path: Path) -> None:
    export(Store(store), tmp_path / "good.tar.gz")
    done = take_in(tmp_path, tmp_path / "good.tar.gz")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal, predictions to the byte" in done.stdout
    assert (tmp_path / "site" / "index.html").is_file()
    assert len(list((tmp_path / "own" / "runs").iterdir())) == 1


def test_a_number_that_does_not_come_out_here_is_not_published(store: Path, tmp_path: Path) -> None:
    """A forger who writes record, predictions and sums that agree: only a repetition tells."""
    forged = tmp_path / "forged"
    subprocess.run(["cp", "-r", str(store), str(forged)], check=True)
    _better(forged)
    export(Store(forged), tmp_path / "bad.tar.gz")
    done = take_in(tmp_path, tmp_path / "bad.tar.gz")
    assert "ok, 1 run(s)" in done.stdout  # nothing in it contradicts itself
    assert "differs: target" in done.stdout
    assert done.returncode == 1
    assert not (tmp_path / "site").exists()
    assert not (tmp_path / "own").exists()


def _better(root: Path) -> None:
    """Answer every image right."""
    import hashlib
    import io

    import numpy as np

    (folder,) = (root / "runs").iterdir()
    arrays = dict(np.load(folder / "predictions.npz"))
    arrays["prediction"] = arrays["label"]
    arrays["log_probability"] = np.log(arrays["confidence"].astype(np.float32))
    arrays["top"][:, 0] = arrays["label"]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    (folder / "predictions.npz").write_bytes(buffer.getvalue())
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    score = record["metrics"]["tests"]["target"]
    score["correct"] = score["n"]
    record["predictions_sha256"] = hashlib.sha256(buffer.getvalue()).hexdigest()
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")


def test_a_torn_archive_is_not_published(store: Path, tmp_path: Path) -> None:
    export(Store(store), tmp_path / "torn.tar.gz")
    content = (tmp_path / "torn.tar.gz").read_bytes()
    (tmp_path / "torn.tar.gz").write_bytes(content[: len(content) // 2])
    done = take_in(tmp_path, tmp_path / "torn.tar.gz")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "site").exists()


def test_the_workflow_runs_the_script() -> None:
    file = ROOT / ".github" / "workflows" / "leaderboard.yml"
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    steps = workflow["jobs"]["take-in"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert any(command.startswith("scripts/leaderboard.sh") for command in commands)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "STAMP := $(VENV)/.installed" in makefile
    assert "make .venv/.installed" in commands
