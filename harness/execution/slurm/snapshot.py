"""The code as it was when it was submitted: later edits must not reach jobs that wait."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import resources
from harness.store.provenance import SNAPSHOT_NOTE, git_state
from harness.store.timestamps import now

PARTS = ("harness", "methods", "datasets", "models", "run_benchmark.py", "pyproject.toml")
"""What is copied of a checkout; an installed package is all in ``harness/``."""


def take(folder: Path, plugins: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """Copy the code and the plugin files below `folder`, unless an equal copy is there.

    Taken are the tracked files and Python files that are not committed yet; outside a git checkout
    everything in the code's folders, of an installed package the package. Of a plugin of the
    user's only the file itself.

    Returns:
        The snapshot's directory, named by its content, and the plugin files in it.
    """
    files = {str(path.relative_to(resources.CODE)): path for path in _sources(resources.CODE)}
    copies = []
    for number, plugin in enumerate(plugins):
        copies.append(f"plugins/{number}/{Path(plugin).name}")
        files[copies[-1]] = Path(plugin)
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    final = folder / digest.hexdigest()[:16]
    if not final.is_dir():
        aside = folder / f".{final.name}.{uuid.uuid4().hex}"
        for name, path in files.items():
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, aside / name)
        note = {"git": git_state(), "taken": now(), "from": str(resources.CODE)}
        (aside / SNAPSHOT_NOTE).write_text(json.dumps(note, indent=1))
        try:
            aside.rename(final)
        except OSError:  # somebody else took the same one meanwhile
            shutil.rmtree(aside, ignore_errors=True)
            if not final.is_dir():
                raise
    return final, tuple(str(final / name) for name in copies)


def _sources(root: Path) -> Iterator[Path]:
    names = None if resources.INSTALLED else _git_files(root)
    if names is not None:
        yield from (root / name for name in names if (root / name).is_file())
        return
    for part in ("harness",) if resources.INSTALLED else PARTS:
        paths = [root / part] if (root / part).is_file() else sorted((root / part).rglob("*"))
        yield from (p for p in paths if p.is_file() and "__pycache__" not in p.parts)


def _git_files(root: Path) -> list[str] | None:
    def listed(*words: str) -> list[str]:
        done = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", *words, "--", *PARTS],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return [name for name in done.stdout.split("\0") if name]

    try:
        tracked = listed()
        new = [name for name in listed("--others", "--exclude-standard") if name.endswith(".py")]
    except (OSError, subprocess.SubprocessError):
        return None
    return sorted({*tracked, *new}) if tracked else None
