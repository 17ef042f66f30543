"""Training batches: a pure function of (seed, step)."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.data.bank import ImageBank
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
        """Return the batch of the 0-based `step`."""
        chosen: list[Sample] = []
        rows: list[Tensor] = []
        owners: list[int] = []
        for number, (domain, samples) in enumerate(self.parts.items()):
            index, draw = self._drawn(step, domain)
            chosen += [samples[i] for i in index.tolist()]
            owners += [number] * len(index)
            if self.features is not None:
                features = self.features[domain]
                view = torch.randint(features.shape[1], (len(index),), generator=draw)
                rows.append(features[index, view])
        device = self.bank.backbone.device
        labels = torch.tensor([sample.label for sample in chosen], device=device)
        domains = torch.tensor(owners, device=device)
        if self.features is not None:
            return Batch(labels, domains, step, features=torch.cat(rows))
        draw = generator("augment", self.seed, step)
        images = self.bank.train_images(chosen, self.config, draw)
        return Batch(labels, domains, step, images=images)

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
