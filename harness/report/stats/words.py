"""How a p is written, once for sentences, cells and captions."""

from __future__ import annotations


def p_cell(p: float) -> str:
    """Return a p as a cell shows it: ``0.031``, ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_words(p: float) -> str:
    """Return a p as a sentence says it: ``p = 0.031``, ``p < 0.001``."""
    text = p_cell(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
