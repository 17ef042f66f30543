"""How near is near enough: the rule behind the verdicts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from harness.report.published.numbers import PublishedNumber

FLOOR = 0.1
"""Points. Published numbers are rounded to one decimal; nothing finer can be told apart."""
MISSING_SPREAD = 0.2
"""Points: what a side without ± is taken to have, the median of the spreads printed in
results/published/numbers.csv."""
RULE = (
    "Tolerance: 2 sqrt(s² / n + t²), at least 0.1 (figures are rounded to one decimal). s is "
    "the standard deviation of our n seeds, t the standard error of the source's mean. Where it"
    " does not say what its ± is, t is the ± as printed: if that is a standard deviation, the "
    "tolerance is wider than need be. A side without ± counts as 0.2, the median of those "
    "printed. The re-run allowance, no part of it, is how far below its authors' figure the "
    "same method landed when another group ran it (same source). 'Reproduced' says that the "
    "difference is within the tolerance, not that the two are equal."
)


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of the mean of our seeds; `MISSING_SPREAD` for a single one."""
    if len(values) < 2:
        return MISSING_SPREAD
    return statistics.stdev(values) / math.sqrt(len(values))


def published_error(number: PublishedNumber) -> float:
    """Return the standard error of a published mean, as far as its source says what ± is."""
    if number.spread is None:
        return MISSING_SPREAD
    if number.spread_kind == "std" and number.n_seeds:
        return number.spread / math.sqrt(number.n_seeds)
    return number.spread / 1.96 if number.spread_kind == "ci95" else number.spread


def allowed_difference(values: Sequence[float], theirs: float) -> float:
    """Return the difference that counts as none, in points.

    Args:
        values: Our seeds' values.
        theirs: The standard error of the published mean.
    """
    return max(FLOOR, 2 * math.hypot(standard_error(values), theirs))
