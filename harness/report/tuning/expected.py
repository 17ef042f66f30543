"""How good the best of n trials is: in these trials, and to be expected of fewer."""

from __future__ import annotations

from collections.abc import Sequence


def expected_best(scores: Sequence[float], n: int) -> float:
    """Return the expected best of `n` draws, with replacement, from the scores that were found.

    Dodge et al., Show Your Work: Improved Reporting of Experimental Results, EMNLP 2019,
    equation 8: the sum of v times P(best = v), where P(best <= v) = P(one <= v)^n.
    """
    ordered, total = sorted(scores), len(scores)
    return sum(
        value * (((i + 1) / total) ** n - (i / total) ** n) for i, value in enumerate(ordered)
    )
