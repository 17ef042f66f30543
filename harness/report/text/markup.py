"""Escaping: a method or domain may have any name, and a name is never markup."""

from __future__ import annotations

import re

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{''}",
    "`": r"\textasciigrave{}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "–": "--",
    "†": r"\ensuremath{\dagger}",
    "‡": r"\ensuremath{\ddagger}",
    "·": r"\textperiodcentered{}",
    # brackets and stars are read as arguments of the \\ that ends the row before
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "-": "-{}",
}


def latex(text: str) -> str:
    """Return `text` so that LaTeX prints it as it is."""
    escaped = "".join(_LATEX.get(c, c) for c in text)
    return re.sub(r"-\{\}(?!-)", "-", escaped)  # only in a run of hyphens are they ligatures


def markdown(text: str) -> str:
    """Return `text` so that GitHub prints it as it is, inside a table too."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*~|$\[\]])", r"\\\1", text)
    # an underscore within a word is no emphasis; leave `fluent_3d` readable
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)
    return re.sub(r"^([#+-]|\d+[.)])(?=\s)", r"\\\1", text)
