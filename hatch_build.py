"""Puts the folders beside ``harness/`` into a wheel, as ``harness/_bundled/``.

A setting could do it, but would copy them for an editable install, too, where the copy goes stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Bundle(BuildHookInterface):  # type: ignore[type-arg]
    """The hook that pyproject.toml names; harness/resources.py knows where to look."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a wheel.

        Raises:
            FileNotFoundError: If a pattern of pyproject.toml fits nothing.
        """
        if version == "editable":
            return
        root = Path(self.root)
        for pattern in self.config["bundled"]:
            paths = sorted(root.glob(pattern))
            if not paths:
                raise FileNotFoundError(f"pyproject.toml: bundled: nothing is called {pattern}")
            for path in paths:
                inside = f"harness/_bundled/{path.relative_to(root).as_posix()}"
                build_data["force_include"][str(path)] = inside
