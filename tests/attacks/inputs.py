"""Small valid inputs of every kind, to be attacked."""

from __future__ import annotations

import json
from pathlib import Path

from harness.store.exchange.archive import export
from harness.store.records import SweepPlan
from harness.store.store import Store
from tests.conftest import make_folder, make_model
from tests.store.exchange.stores import made, spec

TRAINED = "batch_per_domain=2,steps=3"
METHODS = {
    "zero_shot": "zero_shot",
    "finetune": f"finetune[{TRAINED}]",
    "coop": f"coop[{TRAINED},n_ctx=2,feature_views=1]",
}
SWEEP = """\
name: small
model: "local-dir:{model}"
dataset: folder
targets: [domain1]
seeds: [0, 1]
methods: [zero_shot, "finetune[{trained}]"]
"""


def data(folder: Path) -> None:
    """Write images/ and the model clip/ into a folder."""
    make_folder(folder / "images", per_class=3)
    make_model(folder / "clip")


def run(folder: Path, *methods: str, store: str = "store") -> list[str]:
    """Return the command that runs methods on them."""
    calls = [METHODS.get(method, method) for method in methods]
    return ["run", *calls, "--target", "domain1", *where(folder, store), *model(folder)]


def model(folder: Path) -> list[str]:
    """Return the options for data set and model."""
    return ["--dataset", "folder", "--model", f"local-dir:{folder / 'clip'}"]


def where(folder: Path, store: str = "store") -> list[str]:
    """Return the options that say where a run happens."""
    return [
        "--data-root", str(folder / "images"), "--store", str(folder / store),
        "--cache-dir", str(folder / "cache"), "--device", "cpu",
    ]  # fmt: skip


def with_sweep(folder: Path) -> None:
    """Write these and a sweep over them."""
    data(folder)
    (folder / "small.yaml").write_text(SWEEP.format(model=folder / "clip", trained=TRAINED))


def sweep_run(folder: Path) -> list[str]:
    """Return the command that runs it."""
    return ["sweep", "run", f"{folder}/small.yaml", *where(folder)]


def store(folder: Path, seeds: int = 3) -> None:
    """Write a store with the runs of two methods, a failure and a plan of all, none of them run."""
    kept = Store(folder / "store")
    runs = [
        spec(seed, method, label="", given={}, model={"name": "tiny-emoji"})
        for seed in range(seeds)
        for method in ("clipood", "finetune")
    ]
    for number, run in enumerate(runs):
        kept.write(*made(run, (3 + number % 7,)))
    lost = spec(seeds, label="", given={}, model={"name": "tiny-emoji"})
    kept.fail(lost, "ValueError: the disk was full", "Traceback", "2026-01-01T00:00:00+00:00")
    kept.write_plan(SweepPlan(name="mine", source={"name": "mine"}, runs=(*runs, lost)))


def archive(folder: Path) -> None:
    """Write the archive of such a store."""
    store(folder)
    export(Store(folder / "store"), folder / "a.tar.gz")


def conflicting(folder: Path) -> None:
    """Write an archive and a store that has one of its runs with another result."""
    archive(folder)
    first = min(path.name for path in (folder / "store" / "runs").iterdir())
    other = folder / "other" / "runs" / first
    record = json.loads((folder / "store" / "runs" / first / "record.json").read_text())
    record["metrics"]["source_val"] = {"twemoji": {"correct": 2, "n": 2}}
    other.mkdir(parents=True)
    (other / "record.json").write_text(json.dumps(record))
    predictions = folder / "store" / "runs" / first / "predictions.npz"
    (other / "predictions.npz").write_bytes(predictions.read_bytes())
