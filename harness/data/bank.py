"""Images and frozen features of a data set, read or computed once and shared by all runs.

One process runs many runs one after the other; what depends only on (data set, backbone) is kept
here between them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import cached_property

import torch
from torch import Tensor

from harness.data.corruptions import made_by
from harness.data.features import FeatureFiles
from harness.data.reader import EVAL_BATCH, ImageReader
from harness.dataset import Sample
from harness.method import TrainConfig
from harness.seeding import generator
from harness.specs import CROP_REVISION

SHARD = 32 * EVAL_BATCH
"""Images whose features or logits are kept together: what an interrupted run loses at most."""
_FEATURE_BYTES = 2**30
"""Of features in memory; those read longest ago go, and come back from the disk."""


class ImageBank(ImageReader):
    """Reads images, and computes and keeps the pretrained tower's features of them."""

    @cached_property
    def _features(self) -> dict[str, Tensor]:
        return {}

    @cached_property
    def _kept(self) -> FeatureFiles | None:
        return FeatureFiles(self.cache_dir, self._disk_bytes) if self.cache_dir else None

    def frozen_features(self, samples: Sequence[Sample], config: TrainConfig | None) -> Tensor:
        """Return the pretrained tower's features of every sample.

        Args:
            samples: n images.
            config: The recipe whose augmentation and ``feature_views`` to use; None or
                ``feature_views=0`` for the unaugmented images.

        Returns:
            [n, V, D] float32 unit norm on the CPU, V the number of views (1 if unaugmented).
            Computed once per (weights, data, views, kind of device) and kept in memory and, with a
            cache directory, on disk.
            The views do not depend on a run's seed: all runs share them.
        """
        views = config if config and config.feature_views else None
        return self._in_shards(samples, self.plain_features, views)

    def plain_features(self, images: Tensor) -> Tensor:
        """Return the pretrained tower's [B, D] float32 unit-norm features of input [B, 3, S, S]."""
        return self.backbone.image_features(images).float()

    def untrained_features(
        self, samples: Sequence[Sample], features: Callable[[Tensor], Tensor], key: str
    ) -> Tensor:
        """Return what an untrained method makes of every sample's test image.

        Args:
            samples: n images.
            features: Makes [B, D] of input [B, 3, S, S].
            key: What it depends on beside weights and images.

        Returns:
            [n, D] on the CPU, computed once and kept as `frozen_features` are. Of a domain whose
            splits are drawn by a seed all images are computed, where all may be read and none is
            corrupted: every seed and every target then takes its own from there.
        """
        found: dict[str, Tensor] = {}
        for domain, corruption in dict.fromkeys((s.domain, s.corruption) for s in samples):
            own = [s for s in samples if (s.domain, s.corruption) == (domain, corruption)]
            whole = self.dataset.samples(domain)
            if corruption or any(s.split for s in whole) or not self._may_read(whole):
                rows = self._in_shards(own, features, None, key)[:, 0]
            else:
                rows = self._rows_of(whole, own, features, key)
            found |= {sample.image: row for sample, row in zip(own, rows, strict=True)}
        return torch.stack([found[sample.image] for sample in samples])

    def _rows_of(
        self,
        whole: Sequence[Sample],
        own: Sequence[Sample],
        features: Callable[[Tensor], Tensor],
        key: str,
    ) -> Tensor:
        """Return the rows of some of a domain's images; of its shards, those that hold them."""
        place = {sample.key: i for i, sample in enumerate(whole)}
        at = torch.tensor([place[sample.key] for sample in own])
        rows: list[Tensor] = []
        order: list[Tensor] = []
        for shard in sorted({int(i) // SHARD for i in at}):
            part = whole[shard * SHARD : (shard + 1) * SHARD]
            inside = (at // SHARD == shard).nonzero()[:, 0]
            stored = self._shard(part, features, None, shard, key)[:, 0]
            rows.append(stored[at[inside] - shard * SHARD])
            order.append(inside)
        return torch.cat(rows)[torch.cat(order).argsort()]

    def _in_shards(
        self,
        samples: Sequence[Sample],
        features: Callable[[Tensor], Tensor],
        config: TrainConfig | None,
        of: str = "",
    ) -> Tensor:
        shards = [samples[i : i + SHARD] for i in range(0, len(samples), SHARD)]
        parts = [self._shard(part, features, config, i, of) for i, part in enumerate(shards)]
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def _shard(
        self,
        samples: Sequence[Sample],
        features: Callable[[Tensor], Tensor],
        config: TrainConfig | None,
        at: int,
        of: str,
    ) -> Tensor:
        self._admit(samples)
        name = self.features_key(samples, config, at, of)
        stored = self._features.pop(name, None)
        if stored is None and self._kept:
            stored = self._kept.read(name, len(samples))
        if stored is None:
            stored = self._compute(samples, features, config, at)
            if self._kept:
                self._kept.write(name, stored)
        self._features[name] = stored  # last: read most recently
        while len(self._features) > 1 and self._feature_bytes() > _FEATURE_BYTES:
            del self._features[next(iter(self._features))]
        return stored

    def _feature_bytes(self) -> int:
        return sum(features.nbytes for features in self._features.values())

    def features_key(
        self, samples: Sequence[Sample], config: TrainConfig | None, shard: int = 0, of: str = ""
    ) -> str:
        """Return what the features of these samples are kept under: 24 hex digits.

        Args:
            samples: n images.
            config: Of augmented views; None without augmentation.
            shard: Place among the parts of a long list, which views are drawn by.
            of: What other features than the pretrained tower's depend on.
        """
        recipe: tuple[object, ...] = ()
        if config:
            recipe = (config.feature_views, config.crop_scale, config.flip,
                      config.crop_interpolation, CROP_REVISION)  # fmt: skip
            recipe += (shard,) if shard else ()
        keys = "\n".join(sample.image for sample in samples)
        preprocess = self.backbone.preprocess
        of += made_by(samples)
        said = (self.backbone.computes, self._content, recipe, keys, preprocess, of)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:24]

    @torch.no_grad()
    def _compute(
        self,
        samples: Sequence[Sample],
        features: Callable[[Tensor], Tensor],
        config: TrainConfig | None,
        shard: int,
    ) -> Tensor:
        rows = [
            torch.cat([
                features(images).cpu() for images in self._inputs(samples, config, view, shard)
            ])
            for view in range(config.feature_views if config else 1)
        ]  # fmt: skip
        found = torch.stack(rows, dim=1)
        if not torch.isfinite(found).all():
            raise FloatingPointError("image features are not finite")
        return found

    def _inputs(
        self, samples: Sequence[Sample], config: TrainConfig | None, view: int, shard: int
    ) -> Iterator[Tensor]:
        """Yield the images of one view, augmented by `config`'s recipe if there is one."""
        if config is None:
            yield from self.test_batches(samples)
            return

        def read(start: int) -> Future[Tensor]:
            draw = generator("views", self.fingerprint, view, shard * SHARD + start)
            return self.read_ahead(samples[start : start + EVAL_BATCH], config, draw)

        yield from self._as_input(map(read, range(0, len(samples), EVAL_BATCH)))
