"""Reads the images of a data set: decoded, cropped and stacked, ahead of whoever needs them.

Decoded training images are kept in memory and prepared test images on disk, as many as there is
room for. What comes next is read while the present batch is in use.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from harness.clip.backbone import Backbone
from harness.data.checked import is_checked, mark_checked
from harness.data.corruptions import corrupted, made_by
from harness.data.fingerprints import content_of, fingerprint_of
from harness.data.images import decode, to_rows
from harness.data.slots import SlotFile
from harness.data.transforms import crop, normalise, random_numbers, test_pixels
from harness.dataset import Dataset, Sample
from harness.errors import Interrupted
from harness.method import TrainConfig

_T = TypeVar("_T")
EVAL_BATCH = 256
AHEAD = 2
"""Batches that are read while one is in use."""
_CHECK_SECONDS = 10.0
"""What a run spends on looking for broken images before its first step, unless they are checked."""


def never() -> bool:
    """Return False: what nobody can stop."""
    return False


@dataclass
class PixelCache:
    """Decoded images up to a number of bytes, of all data sets of a process."""

    limit: int = 2 * 2**30
    used: int = 0
    entries: dict[tuple[str, ...], Tensor] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, key: tuple[str, ...], image: Image.Image) -> None:
        """Keep an image if there is room.

        Nothing makes room for another: training draws images uniformly, and of those any part of
        a size is as good as any other.
        """
        size = 3 * image.width * image.height
        with self.lock:
            if key in self.entries or self.used + size > self.limit:
                return
            self.used += size
        self.entries[key] = to_rows(image)


class ImageReader:
    """Reads the images of one data set for one backbone; only those that it may."""

    def __init__(
        self,
        dataset: Dataset,
        backbone: Backbone,
        cache_dir: Path | None,
        decode_threads: int = 1,
        pixels: PixelCache | None = None,
        disk_bytes: int = 2**30,
    ) -> None:
        """Open nothing yet.

        Args:
            dataset: Whose images.
            backbone: For whose input they are prepared.
            cache_dir: Of features, prepared test images and fingerprints; None for no disk.
            decode_threads: That decode, crop and resize.
            pixels: Decoded images, shared with the process's other banks.
            disk_bytes: Of features and prepared test images in `cache_dir`.
        """
        self.dataset = dataset
        self.backbone = backbone
        self.cache_dir = cache_dir
        self._disk_bytes = disk_bytes
        self._fingerprint: str | None = None
        self._open: frozenset[str] | None = None
        self._pixels = PixelCache() if pixels is None else pixels
        self._prepared: dict[str, SlotFile] = {}
        self._numbers: dict[str, dict[str, int]] = {}
        self._pool = ThreadPoolExecutor(decode_threads) if decode_threads > 1 else None
        # With two the pool has work while a batch is stacked; without a pool they would decode.
        self._reader = ThreadPoolExecutor(AHEAD if self._pool else 1)
        self.stop: Callable[[], bool] = never
        """Asked between the batches of an evaluation."""

    @property
    def fingerprint(self) -> str:
        """The data set's fingerprint, asked for once."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint_of(self.dataset, self.cache_dir)
        return self._fingerprint

    @cached_property
    def _content(self) -> str:
        return content_of(self.dataset, self.fingerprint)

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

    def _may_read(self, samples: Sequence[Sample]) -> bool:
        return self._open is None or all(sample.key in self._open for sample in samples)

    def _admit(self, samples: Sequence[Sample]) -> None:
        if self._open is None:
            return
        for sample in samples:
            if sample.key not in self._open:
                raise PermissionError(
                    f"{sample.key} of domain '{sample.domain}' is held out: while a run trains and "
                    "selects, only its training and validation images can be read"
                )

    def _map(self, function: Callable[..., _T], *items: Sequence[object]) -> list[_T]:
        return list((self._pool.map if self._pool else map)(function, *items))

    def _full(self, sample: Sample) -> Tensor | Image.Image:
        """Return the decoded image, [H, W, 3] if it is kept."""
        key = (self._content, sample.key)
        kept = self._pixels.entries.get(key)
        if kept is not None:
            return kept
        image = decode(self.dataset.read(sample), self.dataset.where(sample))
        self._pixels.keep(key, image)
        return image

    def _test(self, sample: Sample) -> Tensor:
        disk, number = self._slot(sample)
        kept = disk.read(number) if disk else None
        if kept is None:
            if sample.corruption:
                clean = self._test(replace(sample, corruption=""))
                kept = corrupted(clean, sample.key, sample.corruption)
            else:
                image = decode(self.dataset.read(sample), self.dataset.where(sample))
                kept = test_pixels(image, self.backbone.preprocess)
            if disk:
                disk.write(number, kept)
        return kept

    def _slot(self, sample: Sample) -> tuple[SlotFile | None, int]:
        """Return the file of prepared images, if there is one, and an image's place in it."""
        if sample.corruption not in self._prepared:
            return None, 0
        return self._prepared[sample.corruption], self._numbers[sample.domain][sample.key]

    def _open_disk(self, asked: Sequence[Sample]) -> None:
        """Open the files of clean images and of each corruption that is asked for."""
        if self.cache_dir is None or not self._disk_bytes:
            return
        if not self._numbers:
            for domain in self.dataset.domains:
                first = sum(map(len, self._numbers.values()))
                samples = self.dataset.samples(domain)
                self._numbers[domain] = {s.key: first + i for i, s in enumerate(samples)}
        preprocess = self.backbone.preprocess
        shape = (3, preprocess.image_size, preprocess.image_size)
        count = sum(map(len, self._numbers.values()))
        for corruption in {"", *(s.corruption for s in asked)} - self._prepared.keys():
            key = f"{self._content} {preprocess}"
            if corruption:
                key += f" {corruption} {made_by(asked)}"
            self._prepared[corruption] = SlotFile(
                self.cache_dir, key, count, shape, self._disk_bytes
            )

    def check(self, samples: Sequence[Sample]) -> None:
        """Look for broken images before the first step, for a short time and only once.

        What `sweep prepare` or an earlier run has seen is not looked at again; nor is all of a
        large data set, of which a broken image stops the run when training meets it.
        """
        self._admit(samples)
        if self.cache_dir and is_checked(self.cache_dir, self._content, samples):
            return
        until = time.monotonic() + _CHECK_SECONDS
        step = max(1, len(samples) // 4096)  # spread over the domains if there is no time for all
        for first in range(step):
            part = samples[first::step]
            for start in range(0, len(part), 64):
                self._map(self._full, part[start : start + 64])
                if time.monotonic() > until:
                    return
        if self.cache_dir:
            mark_checked(self.cache_dir, self._content, samples)

    def read_ahead(
        self, samples: Sequence[Sample], config: TrainConfig, draw: torch.Generator
    ) -> Future[Tensor]:
        """Begin to decode and augment a training batch; for `to_input`.

        Args:
            samples: B images.
            config: The recipe: crop, flip, interpolation.
            draw: Source of all randomness, drawn from now.
        """
        self._admit(samples)
        size = self.backbone.preprocess.image_size
        numbers = random_numbers(len(samples), draw)

        def one(sample: Sample, drawn: Sequence[float]) -> Tensor:
            return crop(self._full(sample), size, config.crop_scale, config.flip,
                        config.crop_interpolation, drawn)  # fmt: skip

        return self._reader.submit(lambda: self._stack(self._map(one, samples, numbers)))

    def _stack(self, images: Sequence[Tensor]) -> Tensor:
        stacked = torch.stack(list(images))
        return stacked.pin_memory() if self.backbone.device.type == "cuda" else stacked

    def to_input(self, pixels: Tensor) -> Tensor:
        """Return normalised input [B, 3, S, S] float32 on the device of [B, 3, S, S] uint8."""
        return normalise(
            pixels.to(self.backbone.device, non_blocking=True), self.backbone.preprocess
        )

    def train_images(
        self, samples: Sequence[Sample], config: TrainConfig, draw: torch.Generator
    ) -> Tensor:
        """Return augmented, normalised input [B, 3, S, S] float32 on the backbone's device."""
        return self.to_input(self.read_ahead(samples, config, draw).result())

    def test_images(self, samples: Sequence[Sample]) -> Tensor:
        """Return normalised input [B, 3, S, S] float32 by the model's own test transform."""
        return torch.cat(list(self.test_batches(samples, len(samples))))

    def test_batches(self, samples: Sequence[Sample], size: int = EVAL_BATCH) -> Iterator[Tensor]:
        """Yield `test_images` of `size` images at a time; the next are read meanwhile."""
        self._admit(samples)
        self._open_disk(samples)

        def read(part: Sequence[Sample]) -> Future[Tensor]:
            return self._reader.submit(lambda: self._stack(self._map(self._test, part)))

        parts = (samples[start : start + size] for start in range(0, len(samples), size))
        yield from self._as_input(map(read, parts))

    def _as_input(self, batches: Iterator[Future[Tensor]]) -> Iterator[Tensor]:
        """Yield batches as input; while one is in use, the next ones are read."""
        waiting: deque[Future[Tensor]] = deque()
        try:
            for batch in batches:
                if self.stop():
                    raise Interrupted
                waiting.append(batch)
                if len(waiting) > AHEAD:
                    yield self.to_input(waiting.popleft().result())
            while waiting:
                yield self.to_input(waiting.popleft().result())
        finally:
            for batch in waiting:
                batch.cancel()
