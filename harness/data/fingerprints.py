"""The fingerprint of a large data set, kept with the cache and looked at again cheaply."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from harness.dataset import PROMPT_OPTIONS, Dataset
from harness.store.files import write_atomically

_LOOKED_AT = 512
"""Files whose size is asked for each time, spread over the data set."""


def fingerprint_of(dataset: Dataset, cache_dir: Path | None) -> str:
    """Return the data set's fingerprint, which asks for the size of every file, once.

    After that the times of its folders must be the same, which change when a file comes, goes or
    is replaced by another, and the sizes of some files. Only a file that is overwritten in place is
    not noticed; `data verify` notices it.
    """
    if cache_dir is None or dataset.root is None or dataset.small:
        return dataset.fingerprint()
    place = f"{dataset.name} {_read_with(dataset)} {dataset.root.resolve()}"
    file = cache_dir / "fingerprints" / f"{hashlib.sha256(place.encode()).hexdigest()[:24]}.json"
    seen = _seen(dataset, dataset.root)
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if seen and kept["seen"] == seen:
            return str(kept["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = dataset.fingerprint()
    with contextlib.suppress(OSError):  # a cache that cannot be written: asked again next time
        write_atomically(file, json.dumps({"seen": seen, "fingerprint": found}).encode())
    return found


def content_of(dataset: Dataset, fingerprint: str) -> str:
    """Return what pixels are kept under: 16 hex digits.

    Names and sizes may be equal where the pixels are not: in another folder, or where an option
    changes how images are read.
    """
    place = dataset.root.resolve() if dataset.root else ""
    text = f"{dataset.name} {_read_with(dataset)} {place} {fingerprint}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read_with(dataset: Dataset) -> dict[str, Any]:
    """Return the options that may change which images there are, or how they are read."""
    return dataset.options.model_dump(exclude=PROMPT_OPTIONS, exclude_defaults=True)


def _seen(dataset: Dataset, root: Path) -> str:
    """Hash the folders' times and some files' sizes; return "" if one of them is not there."""
    digest = hashlib.sha256()
    try:
        for domain in dataset.domains:
            samples = dataset.samples(domain)
            digest.update(f"{domain} {len(samples)}\n".encode())
            for folder in sorted({sample.key.rpartition("/")[0] for sample in samples}):
                digest.update(f"{folder} {os.stat(root / folder).st_mtime_ns}\n".encode())
            for sample in samples[:: max(1, len(samples) * len(dataset.domains) // _LOOKED_AT)]:
                digest.update(f"{sample.key} {dataset.size(sample)}\n".encode())
    except OSError:
        return ""
    return digest.hexdigest()
