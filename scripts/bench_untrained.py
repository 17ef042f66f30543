"""Measure what a second run of a method that does not train costs, on a ViT-B/16 of random weights.

    python scripts/bench_untrained.py                 # makes its pictures in a temporary folder

Each round is a process's: model and caches in memory are new, those on disk are found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import registry
from harness.bench.pictures import write_pictures
from harness.clip.load import random_backbone
from harness.data.bank import ImageBank
from harness.data.features import FeatureFiles
from harness.dataset import Sample
from harness.method import Task
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep.plan import open_dataset
from harness.training.build import build_method
from harness.training.evaluate import predict

ROOM = 2**30


def seconds(method: str, root: Path, model: str) -> tuple[float, torch.Tensor]:
    """Return the CPU seconds of an evaluation of all images, and its logits."""
    torch.manual_seed(0)
    backbone = random_backbone(ModelSpec(name=model))
    backbone.kept = FeatureFiles(root / "cache", ROOM)
    data = open_dataset(DatasetSpec(name="folder"), root / "pictures")
    bank = ImageBank(data, backbone, root / "cache", disk_bytes=ROOM)
    samples: list[Sample] = [s for domain in data.domains for s in data.samples(domain)]
    names = tuple(f"thing {i}" for i in range(len(samples)))
    task = Task(data.class_names, data.template, data.domains, 0, 0)
    cls = registry.method_class(method)
    built = build_method(cls(cls.Config()), backbone.fork(), task)
    start = time.process_time()
    logits = predict(built.method, bank, samples, names)
    return time.process_time() - start, logits


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--model", default="ViT-B-16")
    parser.add_argument("--methods", nargs="+", default=["zero_shot", "clip_surgery"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    for method in args.methods:
        with tempfile.TemporaryDirectory() as name:
            write_pictures(Path(name) / "pictures", per_class=40)
            first, want = seconds(method, Path(name), args.model)
            again, found = seconds(method, Path(name), args.model)
        assert torch.equal(want, found)
        print(
            f"{method}, {len(want)} images and as many classes: {first:.1f} s of CPU time, then "
            f"{again:.2f} s: {first / again:.0f} x faster, the same bits",
            flush=True,
        )


if __name__ == "__main__":
    main()
