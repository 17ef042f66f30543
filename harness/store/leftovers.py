"""What killed processes leave behind: files half-written aside, work of runs that are done."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

_ASIDE = re.compile(r"\..+\.[0-9a-f]{32}")
"""How files and folders are called until they are whole: see `harness.store.files`."""
AGE_SECONDS = 3600.0
"""Nothing takes so long to be written; on a shared disk the writer may be on another machine."""


def leftovers(*roots: Path) -> list[Path]:
    """Return what nobody will ever finish or read, below stores and caches.

    Files and folders aside that have not changed for an hour, and the work folders of runs that
    have a record and that no process holds. The checkpoint of an unfinished run is none: it will
    be continued.
    """
    return [path for root in roots for path in (*_aside(root), *_worked_off(root))]


def sweep(*roots: Path) -> int:
    """Delete the leftovers; return how many there were."""
    found = leftovers(*roots)
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(found)


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())


def _aside(root: Path) -> Iterator[Path]:
    folders = [root, *(root / n for n in ("runs", "failures", "sweeps", "conflicts", "features"))]
    folders += [root / "report", root / "slurm" / "snapshots", *root.glob("work/*")]
    for folder in folders:
        for entry in _entries(folder):
            if _ASIDE.fullmatch(entry.name) and _old(entry):
                yield Path(entry.path)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:  # not there, or gone meanwhile
        return


def _old(entry: os.DirEntry[str]) -> bool:
    try:
        times = [entry.stat(follow_symlinks=False).st_mtime]
        if entry.is_dir(follow_symlinks=False):
            times += [
                inside.stat(follow_symlinks=False).st_mtime for inside in _entries(Path(entry))
            ]
    except OSError:  # finished in this moment
        return False
    return time.time() - max(times) > AGE_SECONDS


def _worked_off(root: Path) -> Iterator[Path]:
    for entry in _entries(root / "work"):
        done = (root / "runs" / entry.name / "record.json").is_file()
        if done and not _held(Path(entry.path)):
            yield Path(entry.path)


def _held(work_dir: Path) -> bool:
    """Tell whether a process runs the run: it holds the lock."""
    try:
        with (work_dir / "lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
