"""Which images of a data set have been decoded once, so that no run looks at them again."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

from harness.dataset import Sample
from harness.store.files import write_atomically


def _mark(cache_dir: Path, content: str, samples: Sequence[Sample] | None) -> Path:
    name = content
    if samples is not None:
        keys = "\n".join(sample.key for sample in samples)
        name += f"-{hashlib.sha256(keys.encode()).hexdigest()[:16]}"
    return cache_dir / "checked" / name


def is_checked(cache_dir: Path, content: str, samples: Sequence[Sample]) -> bool:
    """Tell whether these images, or all of the data set's, have been decoded."""
    return any(_mark(cache_dir, content, part).is_file() for part in (None, samples))


def mark_checked(cache_dir: Path, content: str, samples: Sequence[Sample] | None = None) -> None:
    """Note that these images have been decoded; None are all of the data set's."""
    with contextlib.suppress(OSError):  # a cache that cannot be written: looked at again next time
        write_atomically(_mark(cache_dir, content, samples), b"")
