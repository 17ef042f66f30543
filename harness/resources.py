"""Where plugins, models, sweep and cluster files, published numbers and guides lie.

In a checkout, and in a snapshot of one, they are the folders beside ``harness/``. In an installed
package they lie inside it, in ``harness/_bundled/``, under the same names: so no top-level package
called ``datasets`` ever stands in the way of Hugging Face's. Nothing else computes such a path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from harness.errors import UserError

Folder = Literal["methods", "datasets", "models", "sweeps", "clusters"]
Named = Literal["sweeps", "clusters"]

PACKAGE = Path(__file__).resolve().parent
CODE = PACKAGE.parent
"""What holds ``harness/``: the checkout, a snapshot, or site-packages."""
INSTALLED = (PACKAGE / "_bundled").is_dir()
"""Whether this is an installed package, or a snapshot of one; else a checkout."""
ROOT = PACKAGE / "_bundled" if INSTALLED else CODE
"""What holds ``methods/``, ``datasets/``, ``models/`` and the rest."""


def shipped(folder: Folder) -> Path:
    """Return one of the folders that come with the harness."""
    return ROOT / folder


def published() -> Path:
    """Return the folder of the literature's numbers."""
    return ROOT / "results" / "published"


def guide(name: str) -> str:
    """Return where a page of docs/ lies, for a message: short in a checkout, else in full."""
    return str(ROOT / "docs" / f"{name}.md") if INSTALLED else f"docs/{name}.md"


def template(name: str) -> Path:
    """Return a file of ``harness/templates/``."""
    return PACKAGE / "templates" / name


def own(folder: Folder) -> Path | None:
    """Return the user's folder of that name in the working directory.

    None if there is none, or if it is the one that comes with the harness.
    """
    here = Path.cwd() / folder
    return here if here.is_dir() and not _same(here, shipped(folder)) else None


def own_plugins(folder: Literal["methods", "datasets"]) -> list[Path]:
    """Return the user's plugin files in the working directory's folder, by name.

    A folder called ``datasets`` may be anybody's: files that never mention the harness are no
    plugins and are left alone, and so are unchanged copies of those that come with it.
    """
    here = own(folder)
    files = sorted(here.glob("[a-z]*.py")) if here else []
    return [file for file in files if _is_plugin(file, shipped(folder) / file.name)]


def _is_plugin(file: Path, twin: Path) -> bool:
    try:
        text = file.read_bytes()
    except OSError:  # whoever loads it says why it cannot be read
        return True
    return b"harness" in text and not (twin.is_file() and twin.read_bytes() == text)


def new_plugins(folder: Literal["methods", "datasets"]) -> Path:
    """Return where a new plugin is written so that it is found by itself.

    That is the checkout's folder for whoever stands in the checkout, and else the working
    directory's, which need not exist yet.
    """
    here = Path.cwd()
    inside = not INSTALLED and here.is_relative_to(CODE) and own(folder) is None
    return shipped(folder) if inside else here / folder


def named(folder: Named, more: Sequence[Path] = ()) -> dict[str, list[Path]]:
    """Return the YAML files that bare names stand for: shipped ones, then the user's.

    Args:
        folder: Of which kind.
        more: Further folders of the user's.

    Returns:
        Name -> its files; more than one is a clash, unless they are equal.
    """
    here = own(folder)
    found: dict[str, list[Path]] = {}
    for place in (shipped(folder), *([here] if here else ()), *more):
        for file in sorted(place.glob("*.yaml")):
            same = found.setdefault(file.stem, [])
            if not any(file.read_bytes() == other.read_bytes() for other in same):
                same.append(file)
    return found


def find(folder: Named, name: str, more: Sequence[Path] = ()) -> Path | None:
    """Return the file that a bare name stands for; None if there is none.

    Raises:
        UserError: If there are two different ones.
    """
    files = named(folder, more).get(name, [])
    if len(files) > 1:
        raise UserError(f"{files[1]}: name '{name}' is taken by {files[0]}; choose another")
    return files[0] if files else None


def child_environment() -> dict[str, str]:
    """Return the environment in which a child process imports this very harness.

    Not a folder ``harness/`` of the directory it is started in, unless that is where this process
    looks first, too (a notebook).
    """
    first = [os.getcwd()] if "" in sys.path else []
    # site-packages is found by itself; named here it would come before the standard library.
    if CODE.name not in ("site-packages", "dist-packages"):
        first.append(str(CODE))
    path = [*first, os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(part for part in path if part),
        "PYTHONSAFEPATH": "1",
    }


def _same(one: Path, other: Path) -> bool:
    return other.is_dir() and one.samefile(other)
