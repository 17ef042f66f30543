"""Measure whether input keeps up with a GPU, on photographs of 500 x 375 pixels.

    python scripts/bench_input.py                 # makes its pictures in a temporary folder

A GPU's step is a sleep, during which nothing else of the process stands still: 30 ms with eight
cores to decode on. With fewer cores it is longer in proportion. Ratios are medians of rounds in
which two things take turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import registry
from harness.clip.backbone import Backbone, Preprocess
from harness.clip.compat import ensure_torchvision
from harness.data.bank import ImageBank, PixelCache
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep.plan import open_dataset
from harness.training.batches import Batches
from scripts.stand_in import photograph

BATCH, STEP_S, CORES = 36, 0.030, 8
SIDE, MEAN, STD = 224, (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


def write_pictures(root: Path, per_class: int = 40) -> None:
    """Write three domains of two classes."""
    for domain in ("art", "photo", "sketch"):
        for label in ("cat", "dog"):
            folder = root / domain / label
            folder.mkdir(parents=True)
            for number in range(per_class):
                photograph(len(list(root.rglob("*.jpg")))).save(
                    folder / f"{number}.jpg", quality=90
                )


def bank_of(root: Path, threads: int) -> ImageBank:
    """Return a bank that keeps nothing, for a ViT-B/16's input."""
    data = open_dataset(DatasetSpec(name="folder"), root)
    preprocess = Preprocess(SIDE, MEAN, STD, "bicubic", "shortest")
    backbone = Backbone(
        torch.nn.Identity(), None, ModelSpec(name="none"), preprocess, torch.device("cpu"), ""
    )
    return ImageBank(data, backbone, None, threads, PixelCache(limit=0))


def batches_of(bank: ImageBank, steps: int) -> Batches:
    """Return a training's batches."""
    cls = registry.method_class("clipood")
    config = cls.Config(steps=steps, batch_per_domain=BATCH // 2)
    return Batches(cls(config), bank, DomainShift().sources(bank.dataset, "art", 0), 0)


def waiting_share(bank: ImageBank, threads: int, steps: int = 40) -> float:
    """Return the share of a training's time in which the step waits for its images."""
    bank.to_input = lambda pixels: pixels  # type: ignore[method-assign]  # a GPU's work
    batches = batches_of(bank, steps + 1)
    batches(0)  # the first cannot be read ahead
    waited, start = 0.0, time.perf_counter()
    for step in range(1, steps + 1):
        time.sleep(STEP_S * CORES / threads)
        asked = time.perf_counter()
        batches(step)
        waited += time.perf_counter() - asked
    return waited / (time.perf_counter() - start)


def ours(bank: ImageBank, images: int) -> Callable[[], None]:
    """Return what decodes, augments and normalises so many images."""

    def work() -> None:
        batches = batches_of(bank, images // BATCH)
        for step in range(images // BATCH):
            batches(step)

    return work


def torchvisions(root: Path, workers: int, images: int) -> Callable[[], None]:
    """Return the same with torchvision's ImageFolder and torch's DataLoader."""
    ensure_torchvision()
    from torchvision import transforms as T
    from torchvision.datasets import ImageFolder

    steps = [T.RandomResizedCrop(SIDE, (0.7, 1.0)), T.RandomHorizontalFlip(), T.ToTensor(),
             T.Normalize(MEAN, STD)]  # fmt: skip
    folders = [ImageFolder(str(path), T.Compose(steps)) for path in sorted(root.iterdir())]
    joined: torch.utils.data.Dataset[object] = torch.utils.data.ConcatDataset(folders)
    draw = torch.utils.data.RandomSampler(joined, replacement=True, num_samples=images)  # type: ignore[arg-type]
    loader = torch.utils.data.DataLoader(
        joined, BATCH, sampler=draw, num_workers=workers, persistent_workers=True, drop_last=True
    )

    def work() -> None:
        for _ in loader:
            pass

    return work


def ratio(one: Callable[[], None], other: Callable[[], None], rounds: int) -> tuple[float, ...]:
    """Return the median of one's time over the other's, and its range."""

    def seconds(work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    one(), other()  # workers start, files come into memory
    found = [seconds(one) / seconds(other) for _ in range(rounds)]
    return statistics.median(found), min(found), max(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_pictures(root)
        bank = bank_of(root, args.threads)
        shares = sorted(waiting_share(bank_of(root, args.threads), args.threads) for _ in range(3))
        scaled = 1000 * STEP_S * CORES / args.threads
        print(
            f"waiting for input: {100 * shares[1]:.1f} % ({100 * shares[0]:.1f} to "
            f"{100 * shares[2]:.1f}) with a step of {scaled:.0f} ms, batch {BATCH}, "
            f"{args.threads} decoding threads"
        )
        images = 10 * BATCH
        middle, least, most = ratio(
            ours(bank, images), torchvisions(root, args.threads, images), args.rounds
        )
        print(
            f"time per training image: {middle:.2f} ({least:.2f} to {most:.2f}) of torchvision's "
            f"ImageFolder with a DataLoader of {args.threads} workers"
        )


if __name__ == "__main__":
    main()
