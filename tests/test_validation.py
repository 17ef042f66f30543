"""What is read from outside: a mistake is one line, and nothing is taken for something else."""

from __future__ import annotations

import importlib
import itertools
import math
import pkgutil
import re
from typing import Any

import pytest
from pydantic import BaseModel

import datasets
import harness
import methods
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
        (TrainConfig, {"crop_scale": 0.5}, "field 'crop_scale' is 0.5: give a list, [0.5]"),
        (TrainConfig, {"crop_scale": [1.0, 0.1]}, "give the smaller share first"),
        (TrainConfig, {"crop_scale": [0.0, 0.5]}, "both above 0"),
        (TrainConfig, {"crop_scale": [0.5, 1.5]}, "at most 1"),
        (TrainConfig, {"step": 3}, "unknown field 'step': did you mean steps?; known: "),
        (SweepSpec, {**SWEEP, "seeds": [True]}, "'seeds' is [True]: give a number"),
        (SweepSpec, {**SWEEP, "seeds": [-1]}, "field 'seeds.0' is -1"),
        (SweepSpec, {**SWEEP, "data_seed": -1}, "field 'data_seed' is -1"),
        (SweepSpec, None, "is empty; write fields with their values: name, description, models"),
        (SweepSpec, ["name"], "holds ['name']; write fields with their values: name"),
        (SweepSpec, 3, "holds 3; write fields with their values: name"),
        (SweepSpec, {**SWEEP, "targets": 1}, "'targets' is 1: give a list, [1] or a text"),
        (SweepSpec, {**SWEEP, "targets": []}, "field 'targets' is []: give at least 1 or a text"),
        (SweepSpec, {**SWEEP, "targets": [1]}, "field 'targets.0' is 1: give a text"),
        (SweepSpec, {**SWEEP, "protocol": 3}, "field 'protocol' is 3: give a mapping"),
        (SweepSpec, {**SWEEP, "protocol": "few_shto"}, "'few_shto': did you mean few_shot? use"),
        (
            SweepSpec,
            {**SWEEP, "protocol": {"name": "few_shot", "shto": 1}},
            "unknown field 'protocol.shto': did you mean shots?; known: ",
        ),
        (
            SweepSpec,
            {**SWEEP, "figures": [{"name": "x"}]},
            "field 'figures.0.bars' is missing; add it",
        ),
        (
            SweepSpec,
            {**SWEEP, "figures": [{"name": "x", "kind": "curve", "rwos": []}]},
            "unknown field 'figures.0.rwos': did you mean rows?; known: columns, ",
        ),
        (SweepSpec, {**SWEEP, "selection": "lats"}, "'lats': did you mean last? use own, last"),
        (SweepSpec, {**SWEEP, "model": "a", "models": ["b"]}, "here: give 'model' or 'models'"),
        (SweepSpec, {**SWEEP, "description": [0] * 500}, "0 ...: give a text"),
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


def _models() -> list[type[BaseModel]]:
    """Return every model that something from outside is read with: none is the base of others."""
    for package in (harness, methods, datasets):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found: list[type[BaseModel]] = [Strict]
    for model in found:
        found += [sub for sub in model.__subclasses__() if sub not in found]
    return [model for model in found if not model.__subclasses__()]


JUNK = [None, 3, -1, 1.5, True, math.nan, math.inf, 10**30, "", "x", [], [[]], [3] * 9,
        ["x"], {}, {"x": []}, {3: 4}, [{"x": {}}]]  # fmt: skip


def test_no_word_of_pydantics_reaches_a_user() -> None:
    models = _models()
    assert len(models) > 50
    for model in models:
        for field, value in [("", one) for one in JUNK] + list(
            itertools.product(model.model_fields, JUNK)
        ):
            try:
                validated(model, {field: value} if field else value, "here")
            except UserError as error:
                line = str(error)
                assert not re.search(
                    r"[Ii]nput|valid |required|permitted|Value error|should|type=|_name_in", line
                ), line
                assert len(line) < 1000, line


def test_truth_values_are_welcome_where_they_mean_something() -> None:
    assert TrainConfig(flip=False).flip is False
