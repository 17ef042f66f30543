"""Take an archive of somebody else's apart: nothing is trusted, neither names nor sizes."""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from pathlib import Path

from harness.errors import UserError
from harness.store.integrity import MAX_BYTES

MAX_MEMBER = MAX_BYTES
"""Bytes of one file."""
MAX_TOTAL = 4 * 2**30
"""Bytes of all files."""
MAX_MEMBERS = 200_000
NAME = re.compile(
    r"manifest\.json|runs/[0-9a-f]{16}/(record\.json|predictions\.npz|log\.txt)"
    r"|sweeps/[A-Za-z0-9_-][A-Za-z0-9._-]*\.json"
)
"""What a member may be called: so no absolute path, no ``..``, nothing hidden."""


class _TooLarge(Exception):
    pass


class _Bounded:
    """A decompressing file that gives no more than there may be: a few kB of gzip can be a TB."""

    def __init__(self, file: gzip.GzipFile, limit: int) -> None:
        self.file = file
        self.limit = limit

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes, which may be no more than a member's."""
        if not 0 <= size <= MAX_MEMBER or self.file.tell() + size > self.limit + MAX_MEMBER:
            raise _TooLarge
        return self.file.read(size)

    def seek(self, position: int) -> int:
        """Move to a position within the limit."""
        if position > self.limit + MAX_MEMBER:
            raise _TooLarge
        return self.file.seek(position)

    def tell(self) -> int:
        """Return the position."""
        return self.file.tell()


def unpack(file: Path, folder: Path) -> list[str]:
    """Write the members below `folder`, those with a proper name and size; return what is wrong.

    Only plain files are written, under names made here; links, devices and folders are not.

    Raises:
        UserError: If `file` cannot be opened.
    """
    problems: list[str] = []
    try:
        with gzip.open(file, "rb") as zipped:
            bounded = _Bounded(zipped, MAX_TOTAL)
            with tarfile.open(fileobj=bounded, mode="r:") as tar:  # type: ignore[call-overload]
                _members(tar, folder, problems)
            while bounded.read(1 << 20):  # to the end, where gzip's checksum is
                pass
    except (_TooLarge, OverflowError):
        problems.append(
            f"larger than an archive may be ({MAX_MEMBER >> 20} MiB a file, {MAX_TOTAL >> 30} GiB)"
        )
    except (tarfile.TarError, EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
        problems.append(f"no readable tar.gz ({str(error) or type(error).__name__})")
    except OSError as error:
        raise UserError(
            f"{file}: cannot be read ({error.strerror or error}); give a tar.gz"
        ) from None
    return problems


def _members(tar: tarfile.TarFile, folder: Path, problems: list[str]) -> None:
    seen: set[str] = set()
    for number, entry in enumerate(tar):
        name = entry.name
        if number >= MAX_MEMBERS:
            problems.append(f"more than {MAX_MEMBERS} members")
            return
        if not entry.isreg() or entry.issparse():
            problems.append(f"{name!r}: a link, folder or device; only plain files may be inside")
        elif not NAME.fullmatch(name):
            problems.append(f"{name!r}: no name of a file that belongs into an archive")
        elif name in seen:
            problems.append(f"{name!r}: inside twice")
        elif entry.size > MAX_MEMBER:
            raise _TooLarge
        else:
            seen.add(name)
            source = tar.extractfile(entry)
            assert source is not None
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(source.read())
