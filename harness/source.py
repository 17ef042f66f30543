"""Which code a plugin is: a hash of its file and of what it takes from harness.training."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
from functools import cache
from pathlib import Path

_SHARED = "harness.training"


def source_hash(cls: type) -> str:
    """Return 16 hex digits of a SHA-256 over the source of a plugin's class.

    Its own file, and the modules of harness.training that it imports, theirs included: losses,
    averages and heads are as much the method as the file is. Empty where there is no source file.
    """
    file = inspect.getsourcefile(cls)
    if file is None or not Path(file).is_file():
        return ""
    digest = hashlib.sha256()
    for path in sorted(_files(Path(file)), key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def room_hash(room: str) -> str:
    """Return 16 hex digits of a SHA-256 over the source of a folder of harness/."""
    files = sorted((Path(__file__).parent / room).rglob("*.py"))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files))
    return digest.hexdigest()[:16]


def _files(file: Path) -> set[Path]:
    found, waiting = {file}, [file]
    while waiting:
        for path in _shared_imports(waiting.pop()):
            if path not in found:
                found.add(path)
                waiting.append(path)
    return found


def _shared_imports(file: Path) -> set[Path]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_SHARED):
            names.add(str(node.module))
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.startswith(_SHARED)}
    return {path for name in names if (path := _file_of(name)) is not None}


@cache
def _file_of(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, AttributeError):
        return None  # a name in a module, not a module
    if spec is None or spec.origin is None or spec.origin.endswith("__init__.py"):
        return None
    return Path(spec.origin)
