"""The engine of the benchmark: it knows no method and no data set by name.

From a notebook: ``from harness import run, load_results, compare, table``; see docs/library.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.version import __version__

if TYPE_CHECKING:
    from harness.api import compare, load_results, run, table
    from harness.errors import UserError

__all__ = ["UserError", "__version__", "compare", "load_results", "run", "table"]


def __getattr__(name: str) -> Any:
    # Lazily (PEP 562): importing a part of the harness must not import pandas.
    if name not in __all__:
        raise AttributeError(f"module 'harness' has no attribute '{name}'")
    from harness import api, errors

    return getattr(errors if name == "UserError" else api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
