"""What hyperparameters are drawn from, and the draws: pure functions of a seed and a number."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from harness.seeding import derive
from harness.validation import Written

DIGITS = 4
"""Of a drawn number: more would not be read, and tables print the values."""


class Distribution(Written):
    """One hyperparameter's; one of `log_uniform`, `uniform`, `integer` and `choice` is given."""

    log_uniform: tuple[float, float] | None = None
    """Lowest and highest; its logarithm is uniform."""
    uniform: tuple[float, float] | None = None
    """Lowest and highest."""
    integer: tuple[int, int] | None = None
    """Lowest and highest, both included."""
    log: bool = False
    """An integer's logarithm is uniform."""
    choice: tuple[Any, ...] | None = Field(default=None, min_length=1)
    """All values, equally likely; what a grid enumerates."""

    @model_validator(mode="after")
    def _one_that_can_be_drawn(self) -> Self:
        bounds = [b for b in (self.log_uniform, self.uniform, self.integer) if b is not None]
        if len(bounds) + (self.choice is not None) != 1:
            raise ValueError("give one of log_uniform, uniform, integer, choice")
        if self.log and self.integer is None:
            raise ValueError("'log' goes with integer; for numbers there is log_uniform")
        for low, high in bounds:
            if low >= high:
                raise ValueError(f"[{low:g}, {high:g}]: give the lowest first, then the highest")
            if low <= 0 and (self.log or self.log_uniform):
                raise ValueError(f"[{low:g}, {high:g}]: a logarithm needs numbers above 0")
        return self

    def ends(self) -> tuple[Any, ...]:
        """Return all choices, or the lowest and the highest value."""
        return self.choice or self.log_uniform or self.uniform or self.integer or ()

    def words(self) -> str:
        """Return the distribution as a sweep file has it, ``log_uniform [1e-06, 0.0001]``."""
        given = self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        log = ", log" if given.pop("log", False) else ""
        ((kind, values),) = given.items()
        return f"{kind} {json.dumps(values)}{log}"

    def at(self, share: float) -> Any:
        """Return the value below which `share` of the distribution lies, 0 <= `share` < 1."""
        if self.choice is not None:
            return self.choice[int(share * len(self.choice))]
        if self.integer is not None:
            low, high = self.integer
            drawn = (_log_between if self.log else _between)(low, high + 1, share)
            return min(high, max(low, int(drawn)))
        lowest, highest = self.log_uniform or self.uniform or (0.0, 1.0)
        drawn = (_log_between if self.log_uniform else _between)(lowest, highest, share)
        return min(highest, max(lowest, float(f"{drawn:.{DIGITS}g}")))


def _between(low: float, high: float, share: float) -> float:
    return low + share * (high - low)


def _log_between(low: float, high: float, share: float) -> float:
    return math.exp(_between(math.log(low), math.log(high), share))


Space = Mapping[str, Distribution]
"""Distributions by the names of a method's parameters."""


def draw(space: Space, seed: int, method: str, trial: int) -> dict[str, Any]:
    """Return the values of one trial; those of trial 0 are the method's own (DomainBed).

    A parameter's draw depends on nothing but these and its own name: trials may be added, and
    rows of one method that share a parameter have the same values of it.
    """
    if trial == 0:
        return {}
    return {
        name: distribution.at(random.Random(derive("trial", seed, method, trial, name)).random())
        for name, distribution in space.items()
    }


def grid(space: Space) -> list[dict[str, Any]]:
    """Return the method's own values, then every combination of the choices.

    Raises:
        ValueError: For a parameter that is no choice.
    """
    for name, distribution in space.items():
        if distribution.choice is None:
            raise ValueError(f"search 'grid': '{name}' is no choice; list its values")
    values = (distribution.choice or () for distribution in space.values())
    points = [dict(zip(space, point, strict=True)) for point in itertools.product(*values)]
    return [{}, *points]


def log_uniform(low: float, high: float) -> Distribution:
    """Return numbers whose logarithm is uniform."""
    return Distribution(log_uniform=(low, high))


def uniform(low: float, high: float) -> Distribution:
    """Return numbers between two."""
    return Distribution(uniform=(low, high))


def choice(*values: Any) -> Distribution:
    """Return one of some values."""
    return Distribution(choice=values)
