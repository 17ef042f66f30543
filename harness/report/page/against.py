"""Columns that compare the rows with one of them: difference, interval, verdict."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.comparison.model import RowComparison, TableComparison
from harness.report.page.columns import Filled
from harness.report.page.model import Forest, PageColumn, Shown
from harness.report.stats.words import p_words
from harness.report.tables.model import Table

VERDICTS = ("better", "not resolved", "too few seeds", "worse")
"""In the order in which a click sorts them."""


def evidence_columns(table: Table, comparison: TableComparison | None) -> list[Filled]:
    """Return the differences to the reference and the verdicts; none if nothing was compared."""
    if comparison is None or comparison.reference is None:
        return []
    reference = comparison.reference
    compared = [comparison.row(row.label) for row in table.rows]
    differences, verdicts = [], []
    for row, own, forest in zip(table.rows, compared, _forests(compared), strict=True):
        if own is None or own.difference is None:
            text = "reference" if row.label == reference else "–"
            value = 0.0 if row.label == reference else None
            differences.append(Shown(text, value, state="none"))
            verdicts.append(Shown("–", None, state="none"))
            continue
        interval = own.interval
        between = f"{signed(interval.low)} to {signed(interval.high)}" if interval else ""
        differences.append(
            Shown(
                number=signed(own.difference),
                value=own.difference,
                spread=between,
                title=own.reading,
                forest=forest,
            )
        )
        verdicts.append(
            Shown(
                number=own.verdict,
                value=-VERDICTS.index(own.verdict) - own.holm_p / 2,
                spread="" if own.verdict == "too few seeds" else p_words(own.holm_p),
                title=own.reading,
                verdict=own.verdict,
            )
        )
    level = f"{100 * (1 - comparison.design.alpha):g} % interval"
    by_how_much = f"points over {reference}, with the {level}"
    how_sure = (
        f"whether the difference to {reference} is more than noise; p after Holm's correction"
    )
    return [
        (PageColumn(f"Δ {reference}", "evidence", by_how_much), tuple(differences)),
        (PageColumn("verdict", "evidence", how_sure), tuple(verdicts)),
    ]


def signed(points: float) -> str:
    """Return a difference with its sign."""
    return f"{points:+.2f}".replace("-", "−")


def _forests(rows: Sequence[RowComparison | None]) -> list[Forest | None]:
    """Put differences on one axis; very wide intervals are cut off at its ends."""
    known = [(row.difference, row.interval) for row in rows if row and row.difference is not None]
    ends = [abs(d) for d, _ in known] + [abs(e) for _, i in known if i for e in (i.low, i.high)]
    most = 3 * max((abs(d) for d, _ in known), default=0.0) + 0.5
    reach = 1.05 * (min(max(ends, default=0.0), most) or 1.0)
    low = -reach if any(min(d, i.low if i else d) < 0 for d, i in known) else -0.1 * reach
    high = reach if any(max(d, i.high if i else d) > 0 for d, i in known) else 0.1 * reach

    def place(value: float) -> float:
        return round(100 * (min(max(value, low), high) - low) / (high - low), 1)

    out: list[Forest | None] = []
    for row in rows:
        if row is None or row.difference is None:
            out.append(None)
            continue
        interval, d = row.interval, row.difference
        start, end = (interval.low, interval.high) if interval else (d, d)
        out.append(Forest(place(0.0), place(d), place(start), place(end)))
    return out
