"""What a sweep file may ask to be drawn, and what it is told otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import UserError
from harness.store.records import SweepPlan
from harness.sweep.calls import canonical
from harness.sweep.figures import figures_of
from tests.report.fakes import ABLATION


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("m[a=1, b=x]", "m[b=x,a=1.0]"),
        ("m[flag=False]", " m [ flag = false ]"),
        ("m[lr=1e-5]", "m[lr=0.00001]"),
        ("m[scale=[1, 2],a=1]", "m[a=1,scale=[1,2]]"),
    ],
)
def test_spelling_of_a_call_does_not_matter(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ([{"name": "x"}], "figure 1: field 'bars' is missing"),
        ([ABLATION | {"kind": "pie"}], "field 'kind' is 'pie'"),
        ([ABLATION | {"name": "../x"}], "field 'name'"),
        ([ABLATION | {"colour": 1}], "unknown field 'colour'"),
        ([ABLATION, ABLATION], "there 2 times"),
        ([ABLATION | {"baseline": "none"}], "field 'baseline' is 'none'.*use neither, SLS, AAL"),
        ("no list", "give a list"),
    ],
)
def test_a_wrong_definition_names_sweep_and_field(figures: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"sweep 'p'.*{message}"):
        figures_of(SweepPlan(name="p", source={"figures": figures}, runs=()))
