"""Is the gain real? A table's rows against one of them: differences, tests, a plain answer.

The pairs are the numbers that the table averages, so a difference here is that of two means there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from harness.errors import unknown_name
from harness.report.comparison.images import Answers, ImageEvidence, compare_images, untrained
from harness.report.comparison.summary import answer
from harness.report.stats import (
    Comparison,
    Interval,
    Kind,
    Unit,
    Verdict,
    compare,
    iqm,
    pair,
    scores_of,
)
from harness.report.tables.caption import heading
from harness.report.tables.model import Cell, Row, Table

STRONG = ("clipood", "finetune", "zero_shot")
"""Methods to compare with unless asked otherwise: the first that the table has."""
BETTER, WORSE = "†", "‡"
TESTS = {
    "t": "paired t test", "permutation": "sign-flip permutation test", "sign": "sign test",
    "wilcoxon": "Wilcoxon signed-rank test", "mcnemar": "McNemar's test over images",
}  # fmt: skip
_MARKS: dict[Verdict, str] = {"better": BETTER, "worse": WORSE}


@dataclass(frozen=True)
class Line:
    """One row of the table against the reference."""

    label: str
    comparison: Comparison
    """Over seeds, and all its details. Its test is McNemar's if `over_images`."""
    images: ImageEvidence | None
    """The same over images; None without predictions of the same images."""
    iqm: Interval | None
    """The row's interquartile mean over tasks and seeds, in percent."""
    over_images: bool
    """Neither method trained, so no seed varies and the verdict is by the images."""

    @property
    def difference(self) -> float | None:
        """Return the row minus the reference in points."""
        return self.comparison.difference

    @property
    def interval(self) -> Interval | None:
        """Return the interval that goes with the verdict: Student's t, or over images."""
        if self.over_images:
            return self.images.interval if self.images else None
        return self.comparison.t

    @property
    def p(self) -> float:
        """Return the p of the test by itself."""
        return self.comparison.test.p

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
        return "–" if self.over_images else self.comparison.seeds_needed.text

    @property
    def reading(self) -> str:
        """Return one plain sentence."""
        return _over_images(self) if self.over_images else self.comparison.reading


@dataclass(frozen=True)
class Evidence:
    """What a table's numbers say about its methods."""

    about: str
    """Data set, protocol, measure and backbone in a line."""
    reference: str | None
    """The row compared with; None if there is nothing to compare."""
    lines: tuple[Line, ...]
    """The other rows in the table's order."""
    answer: str
    """Which method is best, by how much, and whether that is more than noise."""
    why_none: str
    """Why nothing can be said beyond the means, or empty."""
    test: Kind
    unit: Unit
    alpha: float

    def line(self, label: str) -> Line | None:
        """Return a row's line; None for the reference or an unknown label."""
        return next((line for line in self.lines if line.label == label), None)


def evidence(
    table: Table,
    *,
    against: str | None = None,
    test: Kind = "t",
    unit: Unit = "seed",
    alpha: float = 0.05,
    frame: pd.DataFrame | None = None,
    answers: Answers | None = None,
) -> Evidence | None:
    """Compare a table's rows with one of them.

    The tasks are the columns that the table's mean is over: domains, or data sets where these are
    joined (each the mean over its domains, as printed).

    Args:
        table: Of one block, or joined over data sets or backbones.
        against: The reference's label; by default the first of `STRONG` among the rows' methods,
            else the first row that has results.
        test: See `stats.paired_test`.
        unit: See `stats.compare`.
        alpha: The level of the verdicts after Holm's correction over all rows.
        frame: The block's runs, as `aggregate.labelled` returns them: to compare over images.
        answers: Of the same store.

    Returns:
        None if the table has no mean over comparable columns (different measures side by side).

    Raises:
        UserError: If no row is called `against`.
    """
    if table.over == "measures":
        return None
    rows = [row for row in table.rows if any(cell.by_seed for cell in _tasks(table, row).values())]
    reference = _reference(table, rows, against)
    if reference is None or len(rows) < 2:
        named = f"Only '{rows[0].label}' has results" if rows else "No method has results"
        why = f"{named}, so there is nothing to compare."
        return Evidence(heading(table), None, (), why, why, test, unit, alpha)
    runs = _runs(table, rows)
    labels = [row.label for row in rows if row.label != reference]
    scores = scores_of(runs)
    images: dict[str, ImageEvidence | None] = dict.fromkeys(labels)
    still: set[str] = set()
    if frame is not None and answers is not None and table.score == "target":
        fixed = untrained(frame)
        for label in labels:
            images[label] = compare_images(frame, answers, label, reference, 1 - alpha)
            if {label, reference} <= fixed and not pair(scores, label, reference).varies:
                still.add(label)
    tested = {label: found.test for label in still if (found := images[label]) is not None}
    comparisons = compare(runs, reference, labels, test=test, unit=unit, alpha=alpha, tested=tested)
    lines = []
    for comparison in comparisons:
        label = comparison.label
        found = images[label]
        if label in tested and found is not None:
            comparison = replace(comparison, verdict=_settled(comparison, found.interval))
        own = pair(scores, label, reference).candidate
        lines.append(Line(label, comparison, found, iqm(own), label in tested))
    out = Evidence(heading(table), reference, tuple(lines), "", _why_none(lines), test, unit, alpha)
    return replace(out, answer=answer(table, out, runs))


def _tasks(table: Table, row: Row) -> dict[tuple[str, str], Cell]:
    """Return the cells that the row's mean is over, by data set and domain."""
    if any(cell.parts for cell in row.cells) and len(row.cells) > 1:
        # an average harmonic mean is that of averages, so only the mean itself is comparable
        return {(str(table.key["dataset"]), table.mean_head): row.mean}
    if table.over == "datasets":
        names = [(name, "all domains") for name in table.domains]
    else:
        names = [(str(table.key["dataset"]), name) for name in table.domains]
    cells = dict(zip(names, row.cells, strict=True))
    if table.over == "shifts":
        cells.pop((str(table.key["dataset"]), str(table.key["source"])), None)
    return cells


def _runs(table: Table, rows: Sequence[Row]) -> pd.DataFrame:
    """Return the table's numbers as `stats.compare` wants them."""
    found = [
        {"label": row.label, "dataset": dataset, "target": target, "seed": seed,
         "data_seed": data_seed, "status": "done", "accuracy": value}
        for row in rows
        for (dataset, target), cell in _tasks(table, row).items()
        for (seed, data_seed), value in cell.by_seed.items()
    ]  # fmt: skip
    return pd.DataFrame(found)


def _reference(table: Table, rows: Sequence[Row], against: str | None) -> str | None:
    if against is not None:
        if against not in [row.label for row in table.rows]:
            labels = [row.label for row in table.rows]
            raise unknown_name("row", against, labels, "as the table labels its rows")
        return against if any(row.label == against for row in rows) else None
    for method in STRONG:
        for row in rows:
            if row.method == method:
                return row.label
    return rows[0].label if rows else None


def _settled(comparison: Comparison, interval: Interval) -> Verdict:
    """Return the verdict over images: of domains that differ both ways the mean may be nothing."""
    if comparison.holm_p > comparison.alpha or interval.low <= 0 <= interval.high:
        return "not resolved"
    return "better" if interval.value > 0 else "worse"


def _why_none(lines: Sequence[Line]) -> str:
    if any(line.verdict != "too few seeds" for line in lines):
        return ""
    shared = [line.comparison.n_seeds for line in lines]
    if max(shared) == 0:
        return (
            "No two methods share a seed that is done on every domain, so no difference is known."
        )
    if max(shared) == 1:
        return (
            "There is one seed, and another seed may give another order: whether a difference is "
            "more than noise cannot be said. Run at least three seeds."
        )
    return (
        f"With {max(shared)} seeds no scores at all could give a small enough p; "
        "run more seeds or use the t test."
    )


def _over_images(line: Line) -> str:
    found = line.images
    if found is None or line.difference is None:
        return line.comparison.reading
    word = "less" if line.difference < 0 else "more"
    low, high = found.interval.low, found.interval.high
    if line.difference < 0:
        low, high = -high, -low
    p = "p < 0.001" if line.holm_p < 0.001 else f"p = {line.holm_p:.3f}"
    return (
        f"{line.label} scores {abs(line.difference):.2f} points {word} than "
        f"{line.comparison.reference} ({100 * found.interval.level:g} % interval over "
        f"{found.n_images} images {low:.2f} to {high:.2f}); {line.verdict}, {p} by McNemar's test: "
        "neither is trained, so there are no seeds to compare."
    )
