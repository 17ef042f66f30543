"""SciPy's distribution functions, imported at the first use: a table alone needs none of them."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any


@cache
def special() -> Any:
    """Return `scipy.special`, which takes longer to import than pandas' half."""
    return importlib.import_module("scipy.special")
