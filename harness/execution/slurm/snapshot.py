"""The code as it was when it was submitted: later edits must not reach jobs that wait."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import registry, resources
from harness.errors import UserError
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


_LOAD = """
import json, sys
from harness import registry
for file in sys.argv[1:]:
    registry.add_plugin_file(file)
print("\\n" + json.dumps(registry.not_loaded()))
"""


def check(code: Path, copies: Sequence[str], plugins: Sequence[str]) -> None:
    """Load a snapshot and its plugins as jobs will, once.

    Args:
        code: The snapshot.
        copies: The plugin files in it.
        plugins: What they are copies of.

    Raises:
        UserError: If something that loads here does not load there, usually because of a file
            beside a plugin that the plugin imports.
    """
    loads = code / ".loads"
    if loads.exists():
        return
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, *copies], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"},
    )  # fmt: skip
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise UserError(f"{code}: jobs cannot load this copy of the code ({why})")
    broken: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    originals = dict(zip(copies, plugins, strict=True))
    for origin, why in broken.items():
        here = originals.get(origin, origin.replace(str(code), str(resources.CODE), 1))
        if here not in registry.not_loaded():
            raise UserError(
                f"plugin {here}: jobs cannot load it: {why}; they have a copy of this file alone: "
                "put what it imports into it, or install that as a package"
            )
    loads.touch()


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
