"""What ± can mean, and how it is computed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal, get_args

from harness.report.stats.special import special

Spread = Literal["std", "sem", "ci95"]
SPREADS: tuple[Spread, ...] = get_args(Spread)

MEANING: dict[Spread, str] = {
    "std": "sample standard deviation",
    "sem": "standard error of the mean",
    "ci95": "half width of the 95 % confidence interval (Student's t)",
}


def t95(degrees: int) -> float:
    """Return the 0.975 quantile of Student's t."""
    return float(special().stdtrit(degrees, 0.975))


def spread_of(values: Sequence[float], kind: Spread) -> float | None:
    """Return the spread of the values (ddof 1); None for fewer than two."""
    if len(values) < 2:
        return None
    std = statistics.stdev(values)
    if kind == "std":
        return std
    sem = std / math.sqrt(len(values))
    return sem if kind == "sem" else t95(len(values) - 1) * sem
