"""What is read from outside: a mistake is one line, and nothing is taken for something else."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import UserError
from harness.method import TrainConfig
from harness.sweep.file import SweepSpec
from harness.validation import Strict, validated

SWEEP = {"name": "s", "methods": ["finetune"]}


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (TrainConfig, {"steps": True}, "'steps' is True: give a number"),
        (TrainConfig, {"lr": False}, "'lr' is False: give a number"),
        (TrainConfig, {"lr": float("inf")}, "field 'lr' is inf"),
        (TrainConfig, {"weight_decay": float("nan")}, "field 'weight_decay' is nan"),
        (TrainConfig, {"crop_scale": [1.0, 0.1]}, "give the smaller share first"),
        (TrainConfig, {"crop_scale": [0.0, 0.5]}, "both above 0"),
        (TrainConfig, {"crop_scale": [0.5, 1.5]}, "at most 1"),
        (TrainConfig, {"step": 3}, "unknown field 'step': did you mean steps?; known: "),
        (SweepSpec, {**SWEEP, "seeds": [True]}, "'seeds' is [True]: give a number"),
        (SweepSpec, {**SWEEP, "seeds": [-1]}, "field 'seeds.0' is -1"),
        (SweepSpec, {**SWEEP, "data_seed": -1}, "field 'data_seed' is -1"),
        (SweepSpec, {**SWEEP, "name": ".."}, "field 'name' is '..'"),
        (SweepSpec, {**SWEEP, "name": "../../x"}, "field 'name' is '../../x'"),
    ],
)
def test_what_is_refused(model: type[Strict], values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        validated(model, values, "here")
    assert str(caught.value).startswith("here: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_truth_values_are_welcome_where_they_mean_something() -> None:
    assert TrainConfig(flip=False).flip is False
