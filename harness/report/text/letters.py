"""Which scripts letters are of: fonts and LaTeX's engines have some and lack others."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

CJK = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL"})


def scripts_of(letters: Iterable[str]) -> list[str]:
    """Return the scripts of letters, sorted: the first word of their names; all else is SIGNS."""
    names = (unicodedata.name(c, "SIGNS") if c.isalpha() else "SIGNS" for c in letters)
    return sorted({name.split()[0].split("-")[0] for name in names})  # KATAKANA-HIRAGANA ...
