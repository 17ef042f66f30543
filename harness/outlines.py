"""What a plugin file says of its plugins, read without running it: torch is not imported."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

_PLAIN = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Outline:
    """A plugin as `list` shows it."""

    name: str
    summary: str


def outlines(file: Path, owed: Collection[str]) -> list[Outline] | None:
    """Return the plugins of a file; None if only running it can tell.

    A file that needs a package which is not installed is one of those, and so is one in which a
    class with a name lacks something or computes it.

    Args:
        file: A plugin file.
        owed: Class attributes that every plugin has.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    body = [node for node in tree.body if not isinstance(node, ast.Expr)]
    if not all(isinstance(node, _PLAIN) for node in body) or not _installed(tree):
        return None
    taken = {alias.asname or alias.name for node in body
             if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("harness.")
             for alias in node.names}  # fmt: skip
    known: dict[str, dict[str, ast.expr]] = {}  # by class, its own attributes and its bases'
    found = []
    for node in body:
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [ast.unparse(base).partition("[")[0] for base in node.bases]
        inside = dict(_attributes(node))
        every = {key: value for base in bases for key, value in known.get(base, {}).items()}
        if not any(base in known or base in taken for base in bases):
            continue  # a class of another kind
        known[node.name] = every | inside
        if "name" not in inside:
            continue
        texts = [_text(known[node.name].get(key)) for key in ("name", "summary")]
        fits = re.fullmatch(r"[\w.-]+", texts[0])
        if (
            node.decorator_list
            or not fits
            or not texts[1]
            or not set(owed) <= set(known[node.name])
        ):
            return None
        found.append(Outline(*texts))
    return found or None


def _attributes(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for line in node.body:
        if isinstance(line, ast.Assign):
            yield from ((t.id, line.value) for t in line.targets if isinstance(t, ast.Name))
        elif isinstance(line, ast.AnnAssign) and line.value and isinstance(line.target, ast.Name):
            yield line.target.id, line.value


def _text(value: ast.expr | None) -> str:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _installed(tree: ast.Module) -> bool:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
             for alias in node.names}  # fmt: skip
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    packages = {name.partition(".")[0] for name in names if name}
    return all(importlib.util.find_spec(package) is not None for package in packages)
