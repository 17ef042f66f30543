"""Training batches: a pure function of (seed, step)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future

import torch
from torch import Tensor

from harness.data.bank import ImageBank
from harness.data.reader import AHEAD
from harness.dataset import Sample
from harness.method import Batch, Method, TrainConfig
from harness.protocols.splits import Sources
from harness.seeding import generator


class Batches:
    """Batch number `step`, a pure function of (seed, step): a part from each source domain.

    ``batch_per_domain`` images of each, or with the recipe's ``batch_size`` so many of all of them
    together, each image as likely as another.

    Drawn with replacement, as DomainBed's InfiniteDataLoader does; a resumed run needs no
    sampler state.
    """

    def __init__(
        self, method: Method[TrainConfig], bank: ImageBank, sources: Sources, seed: int
    ) -> None:
        self._reading: dict[int, tuple[list[Sample], list[int], Future[Tensor]]] = {}
        self.config = method.config
        self.bank = bank
        self.parts = sources.train
        self.seed = seed
        self.features: dict[str, Tensor] | None = None
        if method.frozen_image_tower:
            self.features = {
                domain: bank.frozen_features(samples, self.config)
                for domain, samples in self.parts.items()
            }

    def __call__(self, step: int) -> Batch:
        """Return the batch of the 0-based `step`; those of the next steps are read meanwhile."""
        if self.features is not None:
            return self._of_features(self.features, step)
        for later in range(step, min(step + 1 + AHEAD, self.config.steps)):
            if later not in self._reading:
                self._reading[later] = self._read(later)
        if step not in self._reading:  # past the recipe's end
            self._reading[step] = self._read(step)
        chosen, owners, pixels = self._reading.pop(step)
        images = self.bank.to_input(pixels.result())
        return self._batch(chosen, owners, step, images=images)

    def close(self) -> None:
        """Stop reading ahead."""
        for _, _, pixels in self._reading.values():
            pixels.cancel()
        self._reading.clear()

    def _read(self, step: int) -> tuple[list[Sample], list[int], Future[Tensor]]:
        """Return a step's samples, the numbers of their domains, and their images to come."""
        chosen: list[Sample] = []
        owners: list[int] = []
        for number, (domain, samples) in enumerate(self.parts.items()):
            index, _ = self._drawn(step, domain)
            chosen += [samples[i] for i in index.tolist()]
            owners += [number] * len(index)
        draw = generator("augment", self.seed, step)
        return chosen, owners, self.bank.read_ahead(chosen, self.config, draw)

    def _of_features(self, kept: Mapping[str, Tensor], step: int) -> Batch:
        chosen: list[Sample] = []
        rows: list[Tensor] = []
        owners: list[int] = []
        for number, (domain, samples) in enumerate(self.parts.items()):
            index, draw = self._drawn(step, domain)
            chosen += [samples[i] for i in index.tolist()]
            owners += [number] * len(index)
            features = kept[domain]
            view = torch.randint(features.shape[1], (len(index),), generator=draw)
            rows.append(features[index, view])
        return self._batch(chosen, owners, step, features=self._on_device(torch.cat(rows)))

    def _batch(
        self, chosen: Sequence[Sample], owners: Sequence[int], step: int, **content: Tensor
    ) -> Batch:
        labels = self._on_device(torch.tensor([sample.label for sample in chosen]))
        return Batch(labels, self._on_device(torch.tensor(owners)), step, **content)

    def _on_device(self, values: Tensor) -> Tensor:
        device = self.bank.backbone.device
        if device.type == "cuda":  # from pinned memory nobody waits for the copy
            return values.pin_memory().to(device, non_blocking=True)
        return values.to(device)

    def _drawn(self, step: int, domain: str) -> tuple[Tensor, torch.Generator]:
        """Return which samples of a domain are in the batch, and the generator after the draw."""
        draw = generator("batch", self.seed, domain, step)
        size = int(getattr(self.config, "batch_size", 0))
        if not size:
            count = len(self.parts[domain])
            index = torch.randint(count, (self.config.batch_per_domain,), generator=draw)
            return index, draw
        # so many of all sources together: each domain's share of one draw
        ends = torch.tensor([len(samples) for samples in self.parts.values()]).cumsum(0)
        pooled = generator("batch", self.seed, step)
        picked = torch.randint(int(ends[-1]), (size,), generator=pooled)
        at = list(self.parts).index(domain)
        first = int(ends[at]) - len(self.parts[domain])
        return picked[(picked >= first) & (picked < ends[at])] - first, draw
