"""What ± can mean, and how it is computed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal, get_args

Spread = Literal["std", "sem", "ci95"]
SPREADS: tuple[Spread, ...] = get_args(Spread)

MEANING: dict[Spread, str] = {
    "std": "sample standard deviation",
    "sem": "standard error of the mean",
    "ci95": "half width of the 95 % confidence interval (Student's t)",
}

# Two-sided 95 % quantiles of Student's t with 1 to 29 degrees of freedom. A table, because
# seeds are few and SciPy would be a dependency for this alone.
_T95 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
    2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452,
)  # fmt: skip


def t95(degrees: int) -> float:
    """Return the 0.975 quantile of Student's t."""
    if degrees <= len(_T95):
        return _T95[degrees - 1]
    z = statistics.NormalDist().inv_cdf(0.975)
    # Cornish-Fisher: off by less than 1e-5 from 30 degrees on
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3


def spread_of(values: Sequence[float], kind: Spread) -> float | None:
    """Return the spread of the values (ddof 1); None for fewer than two."""
    if len(values) < 2:
        return None
    std = statistics.stdev(values)
    if kind == "std":
        return std
    sem = std / math.sqrt(len(values))
    return sem if kind == "sem" else t95(len(values) - 1) * sem
