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
    """Batch number `step`, a pure function of (seed, step): one part from each source domain.

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
        size = self.config.batch_per_domain
        chosen: list[Sample] = []
        rows: list[Tensor] = []
        for domain, samples in self.parts.items():
            draw = generator("batch", self.seed, domain, step)
            index = torch.randint(len(samples), (size,), generator=draw)
            chosen += [samples[i] for i in index.tolist()]
            if self.features is not None:
                features = self.features[domain]
                view = torch.randint(features.shape[1], (size,), generator=draw)
                rows.append(features[index, view])
        device = self.bank.backbone.device
        labels = torch.tensor([sample.label for sample in chosen], device=device)
        domains = torch.arange(len(self.parts), device=device).repeat_interleave(size)
        if self.features is not None:
            return Batch(labels, domains, step, features=torch.cat(rows))
        draw = generator("augment", self.seed, step)
        images = self.bank.train_images(chosen, self.config, draw)
        return Batch(labels, domains, step, images=images)
