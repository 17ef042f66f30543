"""Prepared images on disk: one file of slots that all processes of a node read and fill.

A slot is an image's bytes behind their checksum and its number. Nothing is locked: two processes
that fill a slot write the same bytes, and one that is empty, half-written or damaged is a miss.
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.data.features import make_room

_HEAD = struct.Struct("<IQ")


class SlotFile:
    """uint8 tensors of one shape, by number; fewer than asked for if the disk's share is small."""

    def __init__(self, cache_dir: Path, key: str, count: int, shape: tuple[int, ...], limit: int):
        """Open or make the file.

        Args:
            cache_dir: It lies in its folder ``pixels``.
            key: What its content depends on.
            count: How many tensors there are.
            shape: Of each.
            limit: Bytes of all that the cache keeps, features included; see `make_room`. If half
                of them do not suffice for all tensors, every k-th is kept.
        """
        self._shape = shape
        self._size = math.prod(shape)
        self._stride = _HEAD.size + self._size
        self._every = max(1, math.ceil(2 * count * self._stride / max(limit, 1)))
        self._file: int | None = None
        name = hashlib.sha256(f"{key} {count} {shape} {self._every}".encode()).hexdigest()[:24]
        path = cache_dir / "pixels" / f"{name}.slots"
        if limit < 2 * self._stride:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            os.utime(path)
            make_room(cache_dir, path, limit - math.ceil(count / self._every) * self._stride)
        except OSError as error:  # read-only, or full: done without
            print(f"{path}: prepared images are not kept ({error.strerror})", flush=True)

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)

    def read(self, number: int) -> Tensor | None:
        """Return what was written under a number; None if that is not there, or not whole."""
        slot, rest = divmod(number, self._every)
        if self._file is None or rest:
            return None
        try:
            data = os.pread(self._file, self._stride, slot * self._stride)
        except OSError:
            return None
        if len(data) < self._stride:
            return None
        pixels = memoryview(data)[_HEAD.size :]
        if _HEAD.unpack_from(data) != (zlib.crc32(pixels), number + 1):
            return None
        return torch.from_numpy(np.frombuffer(pixels, np.uint8).copy()).view(self._shape)

    def write(self, number: int, value: Tensor) -> None:
        """Keep a tensor under a number."""
        slot, rest = divmod(number, self._every)
        if self._file is None or rest:
            return
        pixels = value.contiguous().numpy().tobytes()
        head = _HEAD.pack(zlib.crc32(pixels), number + 1)
        try:
            os.pwrite(self._file, head + pixels, slot * self._stride)
        except OSError as error:
            print(f"prepared images are no longer kept ({error.strerror})", flush=True)
            os.close(self._file)
            self._file = None
