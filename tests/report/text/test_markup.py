from __future__ import annotations

import pytest

from harness.report.text.markup import latex, markdown


def test_markdown_leaves_ordinary_names_readable() -> None:
    assert markdown("fluent_3d") == "fluent_3d"
    assert markdown("a-b 1.5 (x)") == "a-b 1.5 (x)"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# no heading", r"\# no heading"),
        ("1. no list", r"\1. no list"),
        ("_x_ a_b", r"\_x\_ a_b"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("`*~|$[]\\", r"\`\*\~\|\$\[\]\\"),
    ],
)
def test_markdown_prints_what_would_be_markup(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a--b-c", "a-{}-b-c"),
        ("---", "-{}-{}-"),
        ("100 % & #1", r"100 \% \& \#1"),
        ("[1cm] *", "{[}1cm{]} {*}"),
        ("a\\b^2", r"a\textbackslash{}b\textasciicircum{}2"),
        ("1–2 ± 3", r"1--2 \ensuremath{\pm} 3"),
    ],
)
def test_latex_prints_what_would_be_a_command(text: str, escaped: str) -> None:
    assert latex(text) == escaped
