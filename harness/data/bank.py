"""Pixels and frozen features of a data set, decoded or computed once and shared by all runs.

One process runs many runs one after the other; what depends only on (data set, backbone) is kept
here between them. The pixel cache is bounded: what does not fit is decoded again when needed.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.clip.backbone import Backbone, Preprocess
from harness.data.images import decode, to_rows
from harness.data.transforms import augment, normalise, test_pixels
from harness.dataset import Dataset, Sample
from harness.method import TrainConfig
from harness.seeding import generator
from harness.specs import CROP_REVISION
from harness.store.files import write_atomically
from harness.store.provenance import device_name

EVAL_BATCH = 256
_DIGEST = hashlib.sha256().digest_size
CACHE_BYTES = int(float(os.environ.get("CLIP_BENCH_CACHE_GB", "2")) * 2**30)


@dataclass
class PixelCache:
    """Decoded images up to a number of bytes."""

    limit: int = CACHE_BYTES
    used: int = 0
    entries: dict[tuple[str, ...], Tensor] = field(default_factory=dict)

    def get(self, key: tuple[str, ...], make: Callable[[], Tensor]) -> Tensor:
        """Return the entry, made and kept if there is room."""
        value = self.entries.get(key)
        if value is None:
            value = make()
            if self.used + value.nbytes <= self.limit:
                self.entries[key] = value
                self.used += value.nbytes
        return value


class ImageBank:
    """Reads the images of one data set for one backbone."""

    def __init__(
        self, dataset: Dataset, backbone: Backbone, cache_dir: Path | None, decode_threads: int = 1
    ) -> None:
        self.dataset = dataset
        self.backbone = backbone
        self.cache_dir = cache_dir
        self._fingerprint: str | None = None
        self._open: frozenset[str] | None = None
        self._pixels = PixelCache()
        self._features: dict[str, Tensor] = {}
        self._pool = ThreadPoolExecutor(decode_threads) if decode_threads > 1 else None

    @property
    def fingerprint(self) -> str:
        """The data set's fingerprint, listed once."""
        if self._fingerprint is None:
            self._fingerprint = self.dataset.fingerprint()
        return self._fingerprint

    @contextmanager
    def only(self, samples: Iterable[Sample]) -> Iterator[None]:
        """Refuse every other image while inside.

        The loop holds no sample of what is held out; this lock makes that a rule: whoever gets
        hold of one nevertheless cannot read it.
        """
        before, self._open = self._open, frozenset(sample.key for sample in samples)
        try:
            yield
        finally:
            self._open = before

    def _admit(self, samples: Sequence[Sample]) -> None:
        if self._open is None:
            return
        for sample in samples:
            if sample.key not in self._open:
                raise PermissionError(
                    f"{sample.key} of domain '{sample.domain}' is held out: while a run trains and "
                    "selects, only its training and validation images can be read"
                )

    def _map(self, function: Callable[[Sample], Tensor], samples: Sequence[Sample]) -> list[Tensor]:
        self._admit(samples)
        return list((self._pool.map if self._pool else map)(function, samples))

    def _full(self, sample: Sample) -> Tensor:
        def make() -> Tensor:
            return to_rows(decode(self.dataset.read(sample), self.dataset.where(sample)))

        return self._pixels.get(("full", sample.key), make)

    def _test(self, sample: Sample) -> Tensor:
        def make() -> Tensor:
            image = decode(self.dataset.read(sample), self.dataset.where(sample))
            return test_pixels(image, self.backbone.preprocess)

        return self._pixels.get(("test", sample.key), make)

    def check(self, samples: Sequence[Sample]) -> None:
        """Decode what fits in memory now, so that a broken image stops a run at its start."""
        self._admit(samples)
        for sample in samples:
            if self._pixels.used >= self._pixels.limit:
                return
            self._full(sample)

    def train_images(
        self, samples: Sequence[Sample], config: TrainConfig, draw: torch.Generator
    ) -> Tensor:
        """Return augmented, normalised input [B, 3, S, S] float32 on the backbone's device."""
        preprocess: Preprocess = self.backbone.preprocess
        pixels = augment(
            self._map(self._full, samples),
            preprocess.image_size,
            config.crop_scale,
            config.flip,
            config.crop_interpolation,
            draw,
        )
        return normalise(pixels.to(self.backbone.device, non_blocking=True), preprocess)

    def test_images(self, samples: Sequence[Sample]) -> Tensor:
        """Return normalised input [B, 3, S, S] float32 by the model's own test transform."""
        pixels = torch.stack(self._map(self._test, samples))
        return normalise(pixels.to(self.backbone.device), self.backbone.preprocess)

    def frozen_features(self, samples: Sequence[Sample], config: TrainConfig | None) -> Tensor:
        """Return the pretrained tower's features of every sample.

        Args:
            samples: n images.
            config: The recipe whose augmentation and ``feature_views`` to use; None or
                ``feature_views=0`` for the unaugmented images.

        Returns:
            [n, V, D] float32 unit norm, V the number of views (1 if unaugmented). Computed once
            per (weights, data, views, kind of device) and kept in memory and, with a cache
            directory, on disk.
            The views do not depend on a run's seed: all runs share them.
        """
        self._admit(samples)
        views = config.feature_views if config else 0
        name = self.features_key(samples, config if views else None)
        if name not in self._features:
            shape = (len(samples), max(views, 1), self.backbone.embed_dim)
            stored = self._from_disk(name, shape)
            if stored is None:
                stored = self._compute(name, samples, config, views)
            self._features[name] = stored
        return self._features[name]

    def features_key(self, samples: Sequence[Sample], config: TrainConfig | None) -> str:
        """Return what the features of these samples are kept under: 24 hex digits.

        Args:
            samples: n images.
            config: Of augmented views; None without augmentation.
        """
        recipe: tuple[object, ...] = ()
        if config:
            recipe = (config.feature_views, config.crop_scale, config.flip,
                      config.crop_interpolation, CROP_REVISION)  # fmt: skip
        keys = "\n".join(sample.key for sample in samples)
        device = self.backbone.device
        kind = device_name(str(device)) if device.type == "cuda" else str(device)
        return hashlib.sha256(
            repr((self.backbone.fingerprint, self.backbone.spec.precision, self.fingerprint,
                  kind, torch.get_num_threads(), recipe, keys,
                  self.backbone.preprocess)).encode()
        ).hexdigest()[:24]  # fmt: skip

    def _from_disk(self, name: str, shape: tuple[int, ...]) -> Tensor | None:
        """Return the features in the cache; None if they are not there or not what was written."""
        path = self.cache_dir / "features" / f"{name}.npy" if self.cache_dir else None
        try:
            if path is None or not path.is_file():
                return None
            data = path.read_bytes()
            content, digest = data[:-_DIGEST], data[-_DIGEST:]
            if hashlib.sha256(content).digest() != digest:
                raise ValueError("its content is not what was written")
            features = np.load(io.BytesIO(content), allow_pickle=False)
            if features.shape != shape or not np.isfinite(features).all():
                raise ValueError(f"shape {features.shape}, or values that are not finite")
        except (OSError, ValueError, EOFError) as error:
            print(f"{path}: computed again ({error})", flush=True)
            return None
        return torch.from_numpy(features).to(self.backbone.device)

    @torch.no_grad()
    def _compute(
        self, name: str, samples: Sequence[Sample], config: TrainConfig | None, views: int
    ) -> Tensor:
        rows = []
        for view in range(max(views, 1)):
            parts = []
            for start in range(0, len(samples), EVAL_BATCH):
                part = samples[start : start + EVAL_BATCH]
                if views and config:
                    draw = generator("views", self.fingerprint, view, start)
                    images = self.train_images(part, config, draw)
                else:
                    images = self.test_images(part)
                parts.append(self.backbone.image_features(images).float())
            rows.append(torch.cat(parts))
        features = torch.stack(rows, dim=1)
        if not torch.isfinite(features).all():
            raise FloatingPointError("the pretrained tower's features are not finite")
        if self.cache_dir:
            buffer = io.BytesIO()
            np.save(buffer, features.cpu().numpy())
            content = buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest()
            path = self.cache_dir / "features" / f"{name}.npy"
            try:
                write_atomically(path, content)
            except OSError as error:  # full or read-only: this process keeps them in memory
                print(f"{path}: features are not kept ({error.strerror})", flush=True)
        return features
