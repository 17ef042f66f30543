"""Escaping: a method or domain may have any name, and a name is never markup."""

from __future__ import annotations

import re

from harness.report.text.letters import CJK, scripts_of

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
    "…": r"\ldots{}",
    "−": r"\ensuremath{-}",
    "²": r"\ensuremath{^2}",
    "⁹": r"\ensuremath{^9}",
    "ᵀ": r"\ensuremath{^T}",
    # brackets and stars are read as arguments of the \\ that ends the row before
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "-": "-{}",
}


_LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
_COMMANDS = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_GREEK = {
    letter: rf"\ensuremath{{\{command}}}"
    for letter, command in zip(_LETTERS, _COMMANDS.split(), strict=True)
}
_SYMBOL = re.compile(r"(?<![Ͱ-Ͽἀ-῿])[Ͱ-Ͽ](?![Ͱ-Ͽἀ-῿])")
"""A Greek letter alone, as a parameter's name is; two are a word, which mathematics would space."""


def latex(text: str) -> str:
    """Return `text` so that LaTeX prints it as it is.

    Words of letters that pdfLaTeX has not are left as they are: see `engine_for`.
    """
    escaped = "".join(_LATEX.get(c, c) for c in text)
    escaped = _SYMBOL.sub(lambda found: _GREEK.get(found[0], found[0]), escaped)
    return re.sub(r"-\{\}(?!-)", "-", escaped)  # only in a run of hyphens are they ligatures


def engine_for(code: str) -> list[str]:
    """Return comments that say what a document needs for the letters in LaTeX code, if anything."""
    # behind Latin Extended-A
    scripts = scripts_of(c for c in code if c > "ſ" and c not in "–—‘’“”•")
    if not scripts:
        return []
    lines = [f"% needs XeLaTeX or LuaLaTeX: pdfLaTeX has no letters of {', '.join(scripts)}"]
    if set(scripts) - CJK:
        lines.append(r"% needs \usepackage{fontspec}\setmainfont{...} with a font that has them")
    if set(scripts) & CJK:
        lines.append(
            r"% needs \usepackage{xeCJK}\setCJKmainfont{Noto Serif CJK SC}; in LuaLaTeX "
            r"\usepackage{luatexja-fontspec}\setmainjfont{Noto Serif CJK SC}"
        )
    return lines


def markdown(text: str) -> str:
    """Return `text` so that GitHub prints it as it is, inside a table too."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*~|$\[\]])", r"\\\1", text)
    # an underscore within a word is no emphasis; leave `fluent_3d` readable
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)
    return re.sub(r"^([#+-]|\d+[.)])(?=\s)", r"\\\1", text)
