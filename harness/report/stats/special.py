"""SciPy's distribution functions, imported at the first use: a table alone needs none of them."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any


@cache
def special() -> Any:
    """Return `scipy.special`, whose import takes as long as reading thousands of records."""
    return importlib.import_module("scipy.special")
