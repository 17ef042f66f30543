"""Names that look alike to a tokenizer or in a table."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator


def spoken(name: str) -> str:
    """Return what is left of a name in a prompt.

    CLIP's tokenizers put Unicode into one form, decode HTML, lower the case and join blanks; ``_``
    is a blank in a folder's name. What is not printable is nothing to see and nothing to learn.
    """
    text = unicodedata.normalize("NFKC", html.unescape(name)).replace("_", " ")
    text = "".join(c if c.isprintable() else " " for c in text if unicodedata.category(c) != "Cf")
    return " ".join(text.lower().split())


def clashes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of different names that are one when spoken."""
    first: dict[str, str] = {}
    for name in names:
        known = first.setdefault(spoken(name), name)
        if known != name:
            yield known, name
