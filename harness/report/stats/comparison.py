"""What came out of comparing two methods, and how it reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from harness.report.runs.rows import TaskKey
from harness.report.stats.design import Unit
from harness.report.stats.draws import Interval
from harness.report.stats.paired import PairedTest, pairs_to_reach
from harness.report.stats.power import SeedsNeeded
from harness.report.stats.words import p_cell, p_words

Verdict = Literal["better", "worse", "not resolved", "too few seeds"]


@dataclass(frozen=True)
class OverImages:
    """What stands in place of a test over seeds where no seed varies."""

    test: PairedTest
    """McNemar's; it takes part in the correction."""
    interval: Interval
    """Of the difference in points. A verdict must agree with it: of domains that differ both ways
    the mean may be nothing."""


@dataclass(frozen=True)
class Comparison:
    """A candidate against the reference, over the tasks and seeds they share."""

    label: str
    reference: str
    score: float | None
    """The candidate's mean over the shared pairs; None if there are none, as for the next three."""
    reference_score: float | None
    difference: float | None
    """Candidate minus reference, in points."""
    t: Interval | None
    """Of the difference: Student's t over the seeds' means. None with fewer than two seeds or
    without any spread. Of this comparison alone, not corrected for the others."""
    bootstrap: Interval | None
    """Of the difference: seeds resampled within tasks. Too narrow for few seeds."""
    improvement: Interval | None
    """Probability that a run of the candidate is better than one of the reference."""
    unit: Unit
    over_images: OverImages | None
    """If the verdict is by the images."""
    test: PairedTest
    """Its p is not corrected for the other comparisons; `holm_p` is."""
    holm_p: float
    smallest_holm_p: float
    """The smallest corrected p these comparisons could have given, whatever the scores."""
    n_comparisons: int
    """Those corrected for."""
    alpha: float
    verdict: Verdict
    seeds_needed: SeedsNeeded
    """By the paired t test, to find a difference like this, uncorrected."""
    varies: bool
    """False if both methods give the same in every seed: then all seeds count as one."""
    n_tasks: int
    n_seeds: int
    n_dropped: int
    """Pairs that one of the two lacks, or whose seed lacks another task."""
    left_out: tuple[TaskKey, ...]
    """Tasks without a shared run."""

    @property
    def n_pairs(self) -> int:
        """Return how many pairs of runs were compared."""
        return self.n_tasks * self.n_seeds

    @property
    def interval(self) -> Interval | None:
        """Return the interval that goes with the verdict: Student's t, or over images."""
        return self.over_images.interval if self.over_images else self.t

    @property
    def reading(self) -> str:
        """Return one plain sentence: how much, how sure, and what would be needed."""
        if self.difference is None:
            return f"{self.label} and {self.reference} share no seed that has all shared tasks."
        if self.over_images is not None:
            return _untrained(self, self.difference, self.over_images)
        return f"{_size(self)}; {_evidence(self)}{_dropped(self)}."


def _untrained(c: Comparison, difference: float, images: OverImages) -> str:
    word = "less" if difference < 0 else "more"
    interval = images.interval
    low, high = _along(difference, interval)
    return (
        f"{c.label} scores {abs(difference):.2f} points {word} than {c.reference} "
        f"({100 * interval.level:g} % interval over {images.test.n} images {low:.2f} to "
        f"{high:.2f}); {c.verdict}, {p_words(c.holm_p)} by McNemar's test: neither is trained, so "
        "there are no seeds to compare."
    )


def _along(difference: float, interval: Interval) -> tuple[float, float]:
    """Return an interval's ends along the direction of the difference that is named."""
    return (-interval.high, -interval.low) if difference < 0 else (interval.low, interval.high)


def _size(c: Comparison) -> str:
    difference = c.difference or 0.0
    word = "less" if difference < 0 else "more"
    over = f"{_count(c.n_seeds, 'seed')}, {_count(c.n_tasks, 'task')}"
    if c.t is not None:
        low, high = _along(difference, c.t)
        over = f"{100 * c.t.level:g} % interval {low:.2f} to {high:.2f}, {over}"
    size = f"{abs(difference):.2f} points {word} than"
    if abs(difference) < 0.005:
        size = "the same to 0.01 points as"
    return f"{c.label} scores {size} {c.reference} ({over})"


def _evidence(c: Comparison) -> str:
    corrected = f" after Holm's correction for {c.n_comparisons} comparisons"
    many = c.n_comparisons > 1
    if c.verdict == "too few seeds":
        if not c.varies and c.n_seeds > 1:
            return (
                "too few seeds to tell: neither changes with the seed, so the seeds are copies of "
                "one result, and only their images can be compared"
            )
        if c.test.kind == "t" and c.n_seeds > 1:
            return (
                "too few seeds to tell: the difference is the same in every seed, so there is no "
                "spread to judge it by"
            )
        pairs = pairs_to_reach(c.test.kind, c.alpha / c.n_comparisons)
        needed = pairs if c.unit == "seed" else math.ceil(pairs / c.n_tasks)
        return (
            f"too few seeds to tell: with {_count(c.n_seeds, 'seed')} the {c.test.kind} test "
            f"cannot give a p below {p_cell(c.test.smallest_p)}"
            f"{f' ({p_cell(c.smallest_holm_p)}{corrected})' if many else ''}, whatever the scores, "
            f"while {needed} seeds could reach {c.alpha:g}"
        )
    p = f"{p_words(c.holm_p)}{corrected if many else ''}"
    if c.verdict != "not resolved":
        return f"{c.verdict}, {p}"
    if c.seeds_needed.n is not None and c.seeds_needed.n <= c.n_seeds:
        return f"not resolved, {p}"
    needed_text = {
        "zero": "",
        "no spread": "",
        "more": f", and {c.seeds_needed.text} seeds would be needed for a difference this small",
    }.get(c.seeds_needed.why_none, f", about {c.seeds_needed.text} seeds would be needed")
    return f"not resolved, {p}{needed_text}"


def _dropped(c: Comparison) -> str:
    if not c.n_dropped:
        return ""
    tasks = ", ".join("/".join(task) for task in c.left_out)
    without = f", all of {tasks} among them" if tasks else ""
    return f"; {_count(c.n_dropped, 'pair')} left out as not done for both{without}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
