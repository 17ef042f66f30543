"""How a p is written, once for sentences, cells and captions."""

from __future__ import annotations

import math

LEVEL = 0.05
NOISE = {
    "better": "more than noise",
    "worse": "more than noise",
    "not resolved": "may be noise",
    "too few seeds": "too few seeds to tell",
}
"""What a verdict says of a lead."""


def p_cell(p: float) -> str:
    """Return a p as a cell shows it: ``0.0312``, ``< 0.001``.

    Three significant digits, or as many as keep it on its side of 0.05: ``0.04996``.
    """
    if p < 0.001:
        return "< 0.001"
    if math.isclose(p, LEVEL, rel_tol=1e-6):
        return f"{LEVEL:#.3g}"
    texts = (f"{p:#.{digits}g}" for digits in range(3, 9))
    return next(text for text in texts if float(text) != LEVEL)


def p_words(p: float) -> str:
    """Return a p as a sentence says it: ``p = 0.0312``, ``p < 0.001``."""
    text = p_cell(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
