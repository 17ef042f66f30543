"""Input: what decodes and augments, against torchvision's, and whether a step waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch

from harness import registry
from harness.bench.pictures import DOMAINS
from harness.bench.record import BenchRow, BenchSetting
from harness.bench.steps import reference, subject
from harness.bench.turns import in_turns, over
from harness.clip.backbone import Backbone, Preprocess
from harness.clip.compat import ensure_torchvision
from harness.data.bank import ImageBank
from harness.data.reader import PixelCache
from harness.protocols.domain_shift import DomainShift
from harness.specs import DatasetSpec, ModelSpec
from harness.sweep.plan import open_dataset
from harness.training.batches import Batches

STEP_S, CORES = 0.030, 8
"""A GPU's step of 36 photographs, and the cores that decode for it."""
_SIDE, _MEAN, _STD = 224, (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


def bank_of(root: Path, threads: int, device: str = "cpu") -> ImageBank:
    """Return a bank that keeps nothing, for a ViT-B/16's input."""
    data = open_dataset(DatasetSpec(name="folder"), root)
    preprocess = Preprocess(_SIDE, _MEAN, _STD, "bicubic", "shortest")
    backbone = Backbone(
        torch.nn.Identity(), None, ModelSpec(name="none"), preprocess, torch.device(device), ""
    )
    return ImageBank(data, backbone, None, threads, PixelCache(limit=0))


def batches_of(bank: ImageBank, steps: int, batch: int) -> Batches:
    """Return a training's batches."""
    cls = registry.method_class(reference())
    per_domain = max(1, batch // (len(DOMAINS) - 1))
    config = cls.Config.model_validate({"steps": steps, "batch_per_domain": per_domain})
    sources = DomainShift().sources(bank.dataset, DOMAINS[0], 0)
    return Batches(cls(config), bank, sources, 0)


def waiting(batches: Batches, steps: int, step: Callable[[], object], device: str) -> float:
    """Return the percentage of a training's time in which the step waits for its images."""
    batches(0)  # the first cannot be read ahead
    waited, start = 0.0, time.perf_counter()
    for number in range(1, steps + 1):
        step()
        asked = time.perf_counter()
        batches(number)
        waited += time.perf_counter() - asked
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    batches.close()
    return 100 * waited / (time.perf_counter() - start)


def measure(setting: BenchSetting, backbone: Backbone, root: Path) -> list[BenchRow]:
    """Return the ratio to torchvision's loader and the share of time spent waiting."""
    times = in_turns(
        {"ours": _ours(setting, root), "torchvision": _torchvision(setting, root)},
        setting.rounds,
        "cpu",
    )
    rows = [
        BenchRow(
            group="input",
            what=f"images decoded and cropped / torchvision's, {setting.threads} workers each",
            values=over(times["ours"], times["torchvision"]),
        ),
        BenchRow(
            group="input",
            what="images decoded and cropped",
            values=tuple(1e3 * setting.images / ms for ms in times["ours"]),
            unit="images/s",
        ),
    ]
    steps = max(4, setting.images // setting.batch)
    scaled = STEP_S * CORES / setting.threads * setting.batch / 36

    def asleep() -> None:
        time.sleep(scaled)

    shares = []
    for _ in range(min(3, setting.rounds)):
        bank = bank_of(root, setting.threads)
        bank.to_input = lambda pixels: pixels  # type: ignore[method-assign]  # a GPU's work
        shares.append(waiting(batches_of(bank, steps + 1, setting.batch), steps, asleep, "cpu"))
    rows.append(
        BenchRow(
            group="input",
            what=f"waiting for input, a step that sleeps {1e3 * scaled:.0f} ms",
            values=tuple(shares),
            unit="%",
        )
    )
    if setting.cuda:
        base = subject(setting, backbone, reference())
        real = bank_of(root, setting.threads, setting.device)
        share = waiting(
            batches_of(real, steps + 1, setting.batch), steps, base.step, setting.device
        )
        what = f"waiting for input, {reference()}'s step"
        rows.append(BenchRow(group="input", what=what, values=(share,), unit="%"))
    return rows


def _ours(setting: BenchSetting, root: Path) -> Callable[[], None]:
    bank = bank_of(root, setting.threads)
    steps = max(1, setting.images // setting.batch)

    def work() -> None:
        batches = batches_of(bank, steps, setting.batch)
        for step in range(steps):
            batches(step)

    return work


def _torchvision(setting: BenchSetting, root: Path) -> Callable[[], None]:
    """Return the same with torchvision's ImageFolder and torch's DataLoader."""
    ensure_torchvision()
    from torchvision import transforms as T
    from torchvision.datasets import ImageFolder

    steps = [T.RandomResizedCrop(_SIDE, (0.7, 1.0)), T.RandomHorizontalFlip(), T.ToTensor(),
             T.Normalize(_MEAN, _STD)]  # fmt: skip
    folders = [ImageFolder(str(path), T.Compose(steps)) for path in sorted(root.iterdir())]
    joined: torch.utils.data.Dataset[object] = torch.utils.data.ConcatDataset(folders)
    count = max(1, setting.images // setting.batch) * setting.batch
    draw = torch.utils.data.RandomSampler(joined, replacement=True, num_samples=count)  # type: ignore[arg-type]
    loader = torch.utils.data.DataLoader(
        joined, setting.batch, sampler=draw, num_workers=setting.threads, persistent_workers=True,
    )  # fmt: skip

    def work() -> None:
        for _ in loader:
            pass

    return work
