"""Archives to read, to spoil and to write again."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from harness.store.exchange.archive import pack
from harness.store.exchange.verify import received

Files = dict[str, bytes]


def contents(file: Path) -> Files:
    with tarfile.open(file) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr]


def write(files: Files, out: Path) -> Path:
    pack({name: (lambda data=data: data) for name, data in files.items()}, out)  # type: ignore[misc]
    return out


def problems(file: Path) -> list[str]:
    with received(file) as archive:
        return list(archive.problems)


def signed(files: Files) -> Files:
    """Bring the manifest's hashes in line with the files, as a forger would."""
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in files.items()
        if name != "manifest.json"
    }
    return files | {"manifest.json": json.dumps(manifest).encode()}


def tar_of(out: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(out, "w:gz") as tar:
        for entry, data in entries:
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out
