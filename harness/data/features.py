"""Computed features on disk, and the room that they share with prepared images."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.store.files import write_atomically

_DIGEST = hashlib.sha256().digest_size


class FeatureFiles:
    """Tensors by name, whole or not there; those longest unused make room for others."""

    def __init__(self, cache_dir: Path, limit: int) -> None:
        """Open nothing yet.

        Args:
            cache_dir: They lie in its folder ``features``.
            limit: Bytes of all that the cache keeps, prepared images included; see `make_room`.
        """
        self._cache_dir = cache_dir
        self._limit = limit

    def _path(self, name: str) -> Path:
        return self._cache_dir / "features" / f"{name}.npy"

    def read(self, name: str, rows: int) -> Tensor | None:
        """Return what was written; None if it is not there, or not what was written."""
        path = self._path(name)
        try:
            data = path.read_bytes()
            content, digest = data[:-_DIGEST], data[-_DIGEST:]
            if hashlib.sha256(content).digest() != digest:
                raise ValueError("its content is not what was written")
            features = np.load(io.BytesIO(content), allow_pickle=False)
            if len(features) != rows or not np.isfinite(features).all():
                raise ValueError(f"shape {features.shape}, or values that are not finite")
            os.utime(path)
        except FileNotFoundError:  # made room, maybe while it was read
            return None
        except (OSError, ValueError, EOFError) as error:
            print(f"{path}: computed again ({error})", flush=True)
            return None
        return torch.from_numpy(features)

    def write(self, name: str, features: Tensor) -> None:
        """Keep features [rows, ...] of the CPU."""
        if features.nbytes > self._limit:
            return
        buffer = io.BytesIO()
        np.save(buffer, features.numpy())
        content = buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest()
        path = self._path(name)
        try:
            write_atomically(path, content)
            make_room(self._cache_dir, path, self._limit - len(content))
        except OSError as error:  # full or read-only: this process keeps them in memory
            print(f"{path}: features are not kept ({error.strerror})", flush=True)


def make_room(cache_dir: Path, mine: Path, room: int) -> None:
    """Delete features and prepared images used longest ago until the others fit into `room` bytes.

    Args:
        cache_dir: Of both.
        mine: A file that stays, and does not count.
        room: Bytes.
    """
    others = []
    for path in (*cache_dir.glob("features/*.npy"), *cache_dir.glob("pixels/*.slots")):
        try:
            found = path.stat()
        except FileNotFoundError:  # another process made room
            continue
        if path != mine:
            others.append((found.st_mtime, found.st_blocks * 512, path))
    taken = sum(size for _, size, _ in others)
    for _, size, path in sorted(others):
        if taken <= room:
            return
        path.unlink(missing_ok=True)  # whoever has it open keeps it until then
        taken -= size
