"""Files that are never half-written."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def write_atomically(path: Path, data: bytes, durable: bool = True) -> None:
    """Write beside, then rename: a reader sees the old content, the new, or none.

    Without `durable` that holds unless the machine itself stops; thousands of files go faster.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile's: its files are the owner's alone, and colleagues share a store.
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
