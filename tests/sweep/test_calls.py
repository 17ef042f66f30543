"""The grammar of method calls: what is printed is read back as the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.sweep.calls import canonical, parse_call, parse_pair, parse_value, print_call

TEXTS = st.text(alphabet=st.sampled_from("ab1.,[]{}()\"'= \\:e-~\n\té"), max_size=12) | st.text(
    max_size=8
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
ARGUMENTS = st.dictionaries(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), VALUES, max_size=4)


@given(ARGUMENTS)
def test_a_printed_call_is_read_back_as_the_same(values: dict[str, Any]) -> None:
    text = print_call("some_method", values)
    name, back = parse_call(text)
    assert name == "some_method"
    assert back == values
    # 1 == 1.0 == True: the types must be the same, too
    assert repr(back) == repr(values)
    assert print_call(name, back) == text


@given(ARGUMENTS)
def test_the_canonical_spelling_knows_no_order_and_no_spaces(values: dict[str, Any]) -> None:
    backwards = dict(reversed(values.items()))
    one, other = print_call("m", values), print_call("m", backwards)
    assert canonical(one) == canonical(other)
    assert canonical(f"  {one} ") == canonical(one)
    assert canonical(canonical(one)) == canonical(one)


@given(st.text(alphabet=st.sampled_from("ab,=[]{}\"' 1"), max_size=14))
def test_any_text_is_a_call_or_one_line_that_says_why_not(text: str) -> None:
    try:
        name, values = parse_call(f"m[{text}]")
    except UserError:
        return
    assert parse_call(print_call(name, values)) == (name, values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clipood", ("clipood", {})),
        (" clipood [ ] ", ("clipood", {})),
        ("a[lr=0.1,flip=false]", ("a", {"lr": 0.1, "flip": False})),
        ("a[lr=1e-4, steps=60,]", ("a", {"lr": 1e-4, "steps": 60})),
        ("a[crop_scale=[0.5,1.0], steps=3]", ("a", {"crop_scale": [0.5, 1.0], "steps": 3})),
        ("a[ctx_init=a photo of a]", ("a", {"ctx_init": "a photo of a"})),
        ('a[ctx_init="a photo, of a"]', ("a", {"ctx_init": "a photo, of a"})),
        ("a[x='it''s', y=it's]", ("a", {"x": "it's", "y": "it's"})),
        ("a[template={} texture., n=null]", ("a", {"template": "{} texture.", "n": None})),
        ("a[lr={a]", ("a", {"lr": "{a"})),
        ('a[x=[1, [b, "c]"]]]', ("a", {"x": [1, ["b", "c]"]]})),
        ("a[x=[1, 2] of 3]", ("a", {"x": "[1, 2] of 3"})),
        ("a[x=f(1,2), y={3, 4}]", ("a", {"x": "f(1,2)", "y": "{3, 4}"})),
        ("a[x=]", ("a", {"x": ""})),
    ],
)
def test_what_a_call_says(text: str, expected: tuple[str, dict[str, Any]]) -> None:
    assert parse_call(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a[b", "write name or name["),
        ("a]b[", "write name or name["),
        ("", "write name or name["),
        ("a[b=1]c", "write name or name["),
        ("a[b]", "'b' is not param=value"),
        ("a[=1]", "'=1' is not param=value"),
        ("a[b=1,c]", "'c' is not param=value"),
        ("a[b=1, b=2]", "'b' is given twice"),
        ("a[crop_scale=[0.5,1]", "'[' is not closed in '[0.5,1'"),
        ("a[b=c]d]", "']' closes nothing"),
        ('a[b="c]', "the quote is not closed"),
        ('a[b="c" d]', "'d' follows the value of b"),
    ],
)
def test_a_slip_is_named(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_call(text)
    assert message in str(caught.value)


def test_numbers_and_words_are_what_they_look_like() -> None:
    texts = ("5", "-3", "1e-4", ".5", "True", "null", "~", "yes", "1_000", "{}", " a  b ")
    expected = [5, -3, 1e-4, 0.5, True, None, None, "yes", "1_000", "{}", "a  b"]
    assert [parse_value(text) for text in texts] == expected


def test_a_label_that_is_no_call_stays_itself() -> None:
    assert canonical("AlignCLIP  (SLS\tonly)") == "AlignCLIP (SLS only)"
    assert canonical("mine [draft") == "mine [draft"


def test_pairs_of_options() -> None:
    assert parse_pair("template={} texture.", "--option") == ("template", "{} texture.")
    for wrong, message in (("template", "write KEY=VALUE"), ("a=[1", "'[' is not closed")):
        with pytest.raises(UserError, match=r"--option") as caught:
            parse_pair(wrong, "--option")
        assert message in str(caught.value)
