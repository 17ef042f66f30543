"""What comes out of comparing a table's rows with one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.report.stats import Comparison, Design, Interval, McNemar, PairedTest, Verdict

BETTER, WORSE = "†", "‡"
_MARKS: dict[Verdict, str] = {"better": BETTER, "worse": WORSE}


@dataclass(frozen=True)
class ImageEvidence:
    """A candidate against the reference over the tested images; the weights are taken as given."""

    interval: Interval
    """Of the difference in points, tasks averaged; images resampled."""
    mcnemar: Mapping[str, McNemar]
    """By domain, of the first seed that both have."""
    n_images: int
    """Different images, of all domains."""
    n_seeds: int
    """Runs of each domain that were pooled."""

    @property
    def test(self) -> PairedTest:
        """Return McNemar's tests as one: the smallest p times the number of domains."""
        tests = list(self.mcnemar.values())
        p = min(1.0, len(tests) * min(test.p for test in tests))
        smallest = min(1.0, len(tests) * min(test.smallest_p for test in tests))
        return PairedTest("mcnemar", p, smallest, self.n_images, exact=True)


@dataclass(frozen=True)
class RowComparison:
    """One row of the table against the reference."""

    label: str
    comparison: Comparison
    """All its details."""
    images: ImageEvidence | None
    """The same over images; None without predictions of the same images."""
    iqm: Interval | None
    """The row's interquartile mean over tasks and seeds, in percent."""

    @property
    def over_images(self) -> bool:
        """Tell whether the verdict is by the images: neither method trained, so no seed varies."""
        return self.comparison.over_images is not None

    @property
    def difference(self) -> float | None:
        """Return the row minus the reference in points."""
        return self.comparison.difference

    @property
    def interval(self) -> Interval | None:
        """Return the interval that goes with the verdict."""
        return self.comparison.interval

    @property
    def holm_p(self) -> float:
        """Return p corrected for all comparisons of the table."""
        return self.comparison.holm_p

    @property
    def verdict(self) -> Verdict:
        """Return better, worse, not resolved, or too few seeds."""
        return self.comparison.verdict

    @property
    def mark(self) -> str:
        """Return what the table's cell carries, perhaps nothing."""
        return _MARKS.get(self.verdict, "")

    @property
    def seeds_needed(self) -> str:
        """Return how many seeds would find this difference, as a table shows it."""
        return self.comparison.seeds_needed.text

    @property
    def reading(self) -> str:
        """Return one plain sentence."""
        return self.comparison.reading


@dataclass(frozen=True)
class Lead:
    """Who is best in one column, and by how much."""

    column: str
    best: tuple[str, ...]
    """More than one if they print the same; none without a complete cell."""
    number: str
    """Of the best, as it is printed."""
    second: str
    """The next; empty without one."""
    lead: float | None
    """Of the best over the next, in points."""
    comparison: Comparison | None
    """Of the best with the next; p is corrected for the columns."""


@dataclass(frozen=True)
class TableComparison:
    """What a table's numbers say about its methods."""

    about: str
    """Data set, protocol, measure and backbone in a line."""
    reference: str | None
    """The row compared with; None if there is nothing to compare."""
    rows: tuple[RowComparison, ...]
    """The other rows in the table's order."""
    answer: str
    """Which method is best, by how much, and whether that is more than noise."""
    why_none: str
    """Why nothing can be said beyond the means, or empty."""
    design: Design
    leads: tuple[Lead, ...] = ()
    """Column by column; none of a table with one."""
    one: str = "domain"
    """What a column is."""
    decimals: int = 1
    """Of the table's numbers."""

    def row(self, label: str) -> RowComparison | None:
        """Return a row's comparison; None for the reference or an unknown label."""
        return next((row for row in self.rows if row.label == label), None)
