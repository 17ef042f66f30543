"""Classifying a data set: zero-shot against a plain loop, cached features against none."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from harness import registry
from harness.bench.record import BenchRow, BenchSetting
from harness.bench.turns import in_turns, over
from harness.clip.backbone import Backbone
from harness.clip.compat import ensure_torchvision
from harness.data.bank import ImageBank
from harness.data.reader import PixelCache
from harness.dataset import Sample
from harness.errors import UserError
from harness.method import Method, Task
from harness.specs import DatasetSpec
from harness.sweep.plan import open_dataset
from harness.training.evaluate import predict

TEMPLATE = "a photo of a {}."


def measure(setting: BenchSetting, backbone: Backbone, root: Path) -> list[BenchRow]:
    """Return the ratios of evaluations over a folder of photographs."""
    data = open_dataset(DatasetSpec(name="folder"), root)
    samples = list(itertools.chain.from_iterable(data.samples(d) for d in data.domains))
    samples = samples[: setting.images]
    method = _untrained()
    method.build(backbone.fork(), Task(data.class_names, TEMPLATE, (), 0, 0))

    def fresh() -> ImageBank:
        return ImageBank(data, backbone, None, setting.threads, PixelCache(limit=0))

    def first() -> None:
        predict(method, fresh(), samples, data.class_names)

    kept = fresh()
    predict(method, kept, samples, data.class_names)

    def again() -> None:
        predict(method, kept, samples, data.class_names)

    plain = _plain(setting, backbone, root, samples, data.class_names)
    rounds = min(3, setting.rounds)
    times = in_turns({"first": first, "plain": plain}, rounds, setting.device, warm=0)
    later = in_turns({"again": again}, rounds, setting.device)["again"]
    return [
        BenchRow(
            group="inference",
            what="zero-shot CLIP / open_clip with a DataLoader",
            values=over(times["first"], times["plain"]),
        ),
        BenchRow(
            group="inference",
            what="zero-shot CLIP, features computed / read again",
            values=over(times["first"], later),
        ),
    ]


def growth(setting: BenchSetting, backbone: Backbone, root: Path) -> list[BenchRow]:
    """Return how much longer four times the images take to classify."""
    data = open_dataset(DatasetSpec(name="folder"), root)
    every = list(itertools.chain.from_iterable(data.samples(d) for d in data.domains))
    method = _untrained()
    method.build(backbone.fork(), Task(data.class_names, TEMPLATE, (), 0, 0))
    quarter = max(1, min(len(every), setting.images) // 4)

    def classify(samples: list[Sample]) -> None:
        bank = ImageBank(data, backbone, None, setting.threads, PixelCache(limit=0))
        predict(method, bank, samples, data.class_names)

    works = {
        "few": lambda: classify(every[:quarter]),
        "many": lambda: classify(every[: 4 * quarter]),
    }
    times = in_turns(works, min(3, setting.rounds), setting.device)
    what = f"classifying {4 * quarter} images / {quarter}"
    return [BenchRow(group="growth", what=what, values=over(times["many"], times["few"]))]


def _untrained() -> Method[Any]:
    """Return the method that classifies with the pretrained towers as they are."""
    for name in registry.discover("methods").plugins:
        cls = registry.method_class(name)
        if cls.frozen_image_tower and not cls.trains:
            return cls(cls.Config())
    raise UserError("no method classifies with the frozen towers: methods/ is not complete")


def _plain(
    setting: BenchSetting,
    backbone: Backbone,
    root: Path,
    samples: list[Sample],
    names: tuple[str, ...],
) -> Callable[[], None]:
    """Return the loop of open_clip's README, images read by torch's DataLoader."""
    ensure_torchvision()
    from PIL import Image
    from torchvision import transforms as T

    shape = backbone.preprocess
    mode = T.InterpolationMode(shape.interpolation)
    prepare = T.Compose([
        T.Resize(shape.image_size, mode), T.CenterCrop(shape.image_size), T.ToTensor(),
        T.Normalize(shape.mean, shape.std),
    ])  # fmt: skip

    class Photographs(torch.utils.data.Dataset[torch.Tensor]):
        def __len__(self) -> int:
            return len(samples)

        def __getitem__(self, at: int) -> torch.Tensor:
            image: torch.Tensor = prepare(Image.open(root / samples[at].key).convert("RGB"))
            return image

    loader = torch.utils.data.DataLoader(Photographs(), 128, num_workers=setting.threads)

    @torch.no_grad()
    def work() -> None:
        text = backbone.text_features(names, TEMPLATE)
        for images in loader:
            with backbone.autocast():
                features = backbone.model.encode_image(images.to(setting.device))
            (100 * F.normalize(features.float(), dim=-1) @ text.T).argmax(dim=1).cpu()

    return work
