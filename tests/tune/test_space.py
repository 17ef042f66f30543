"""Distributions: what may be written, where draws fall, and that a draw depends on nothing else."""

from __future__ import annotations

import bisect
import hashlib
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import registry, resources
from harness.errors import UserError
from harness.sweep.plan import resolve_method
from harness.tune.space import Distribution, draw, grid
from harness.validation import validated


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({}, "give one of log_uniform, uniform, integer, choice"),
        ({"uniform": [0, 1], "choice": [1]}, "give one of"),
        ({"uniform": [1, 0]}, "[1, 0]: give the lowest first"),
        ({"log_uniform": [0, 1]}, "[0, 1]: a logarithm needs numbers above 0"),
        ({"integer": [0, 4], "log": True}, "a logarithm needs"),
        ({"uniform": [0, 1], "log": True}, "'log' goes with integer"),
        ({"integer": [0.5, 4]}, "field 'integer.0' is 0.5"),
        ({"uniform": [True, 2]}, "'uniform' is [True, 2]: give a number"),
        ({"choice": []}, "field 'choice' is []"),
        ({"unifrm": [0, 1]}, "did you mean uniform?"),
        ({"uniform": [0, math.inf]}, "field 'uniform.1' is inf"),
    ],
)
def test_a_mistake_is_one_line(written: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        validated(Distribution, written, "tune.space.lr")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def reference(distribution: Distribution, seed: int, method: str, trial: int, name: str) -> Any:
    """Draw by the cumulative distribution, from the documented seed, and nothing of the code."""
    text = "\0".join(repr(part) for part in ("trial", seed, method, trial, name))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    share = random.Random(number).random()
    if distribution.choice is not None:
        steps = [(i + 1) / len(distribution.choice) for i in range(len(distribution.choice))]
        return distribution.choice[bisect.bisect_right(steps, share)]
    if distribution.integer is not None:
        low, high = distribution.integer
        if distribution.log:
            every = [math.log((k + 1) / low) / math.log((high + 1) / low)
                     for k in range(low, high + 1)]  # fmt: skip
        else:
            every = [(k + 1 - low) / (high - low + 1) for k in range(low, high + 1)]
        return low + bisect.bisect_right(every, share)
    if distribution.log_uniform is not None:
        low, high = distribution.log_uniform
        return pytest.approx(low * (high / low) ** share, rel=1e-3)
    assert distribution.uniform is not None
    low, high = distribution.uniform
    return pytest.approx(low + (high - low) * share, rel=1e-3, abs=1e-9)


SPACE = {
    "lr": Distribution(log_uniform=(1e-6, 1e-3)),
    "margin": Distribution(uniform=(-1, 3)),
    "depth": Distribution(integer=(1, 5)),
    "width": Distribution(integer=(3, 300), log=True),
    "place": Distribution(choice=("end", "middle", 3)),
}


@given(st.integers(0, 50), st.sampled_from(["clipood", "coop"]), st.integers(1, 40))
def test_draws_are_those_of_the_documented_seed(seed: int, method: str, trial: int) -> None:
    drawn = draw(SPACE, seed, method, trial)
    assert drawn == draw(SPACE, seed, method, trial)
    for name, distribution in SPACE.items():
        assert drawn[name] == reference(distribution, seed, method, trial, name)
    # a parameter's draw does not depend on what else is searched
    assert draw({"lr": SPACE["lr"]}, seed, method, trial) == {"lr": drawn["lr"]}


def test_draws_fill_their_range_evenly() -> None:
    drawn = [draw(SPACE, 7, "clipood", trial) for trial in range(1, 2001)]
    decades = [math.log10(values["lr"]) for values in drawn]
    assert -6 <= min(decades) < -5.98
    assert -3.02 < max(decades) <= -3
    for decade in (-6, -5, -4):  # of log-uniform draws a third in each
        assert sum(decade <= d < decade + 1 for d in decades) == pytest.approx(2000 / 3, rel=0.1)
    assert {v["depth"] for v in drawn} == {1, 2, 3, 4, 5}
    assert {v["place"] for v in drawn} == {"end", "middle", 3}
    below = sum(v["width"] < 30 for v in drawn)  # of 3 to 300 half is below the geometric mean
    assert below == pytest.approx(1000, rel=0.1)
    assert {min(v["width"] for v in drawn), max(v["width"] for v in drawn)} <= {3, *range(290, 301)}


@given(st.floats(0, 1, exclude_max=True))
def test_every_share_is_within_the_bounds(share: float) -> None:
    for distribution in (*SPACE.values(), Distribution(log_uniform=(1.23456e-5, 1.23457e-5))):
        value = distribution.at(share)
        bounds = distribution.log_uniform or distribution.uniform or distribution.integer
        if bounds is None:
            assert value in ("end", "middle", 3)
        else:
            assert bounds[0] <= value <= bounds[1]


def test_the_first_trial_is_the_method_itself() -> None:
    assert draw(SPACE, 0, "clipood", 0) == {}


def test_a_grid_is_the_row_itself_and_every_combination() -> None:
    space = {"a": Distribution(choice=(1, 2)), "b": Distribution(choice=("x", "y"))}
    assert grid(space) == [
        {}, {"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"},
    ]  # fmt: skip
    with pytest.raises(ValueError, match="'lr' is no choice"):
        grid({"a": space["a"], "lr": SPACE["lr"]})


def test_every_shipped_method_that_trains_has_a_space_around_its_defaults() -> None:
    for name in sorted(file.stem for file in resources.shipped("methods").glob("[a-z]*.py")):
        cls = registry.method_class(name)
        assert bool(cls.search_space) == cls.trains, name
        own = resolve_method(name, {}).config
        for trial in range(1, 20):  # whatever is drawn, the method takes it
            resolve_method(name, draw(cls.search_space, 0, name, trial))
        for key, distribution in cls.search_space.items():
            bounds = distribution.log_uniform or distribution.uniform or distribution.integer
            if bounds is not None:
                assert bounds[0] <= own[key] <= bounds[1], (name, key)
            else:
                assert own[key] in (distribution.choice or ()), (name, key)
