"""Tests of several domains as one."""

from __future__ import annotations

import pytest

from harness.report.comparison.model import ImageEvidence
from harness.report.stats import Interval, McNemar


def evidence(*p: float) -> ImageEvidence:
    tests = {f"d{i}": McNemar(3, 1, own, own / 4) for i, own in enumerate(p)}
    return ImageEvidence(Interval(1.0, 0.5, 1.5, 0.95), tests, 200, 3)


def test_the_smallest_p_of_several_domains_counts_once_for_each() -> None:
    test = evidence(0.2, 0.01, 0.7).test
    assert (test.kind, test.n, test.exact) == ("mcnemar", 200, True)
    assert (test.p, test.smallest_p) == (pytest.approx(0.03), pytest.approx(0.0075))


def test_no_p_is_above_one() -> None:
    test = evidence(0.9, 0.8).test
    assert (test.p, test.smallest_p) == (1.0, pytest.approx(0.4))
