"""Columns that compare the rows with one of them: difference, interval, verdict."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.comparison.evidence import Evidence, Line
from harness.report.page.columns import Part
from harness.report.page.model import Column, Forest, Shown
from harness.report.tables.model import Table

VERDICTS = ("better", "not resolved", "too few seeds", "worse")
"""In the order in which a click sorts them."""


def evidence_columns(table: Table, found: Evidence | None) -> list[Part]:
    """Return the differences to the reference and the verdicts; none if nothing was compared."""
    if found is None or found.reference is None:
        return []
    lines = [found.line(row.label) for row in table.rows]
    forests = _forests(lines)
    differences, verdicts = [], []
    for row, line, forest in zip(table.rows, lines, forests, strict=True):
        if line is None or line.difference is None:
            text = "reference" if row.label == found.reference else "–"
            value = 0.0 if row.label == found.reference else None
            differences.append(Shown(text, value, state="none"))
            verdicts.append(Shown("–", None, state="none"))
            continue
        interval = line.interval
        between = f"{signed(interval.low)} to {signed(interval.high)}" if interval else ""
        differences.append(
            Shown(
                number=signed(line.difference),
                value=line.difference,
                spread=between,
                title=line.reading,
                forest=forest,
            )
        )
        p = "p < 0.001" if line.holm_p < 0.001 else f"p = {line.holm_p:.3f}"
        verdicts.append(
            Shown(
                number=line.verdict,
                value=-VERDICTS.index(line.verdict) - line.holm_p / 2,
                spread="" if line.verdict == "too few seeds" else p,
                title=line.reading,
                verdict=line.verdict,
            )
        )
    level = f"{100 * (1 - found.alpha):g} % interval"
    return [
        (Column(f"Δ {found.reference}", "evidence",
                f"points over {found.reference}, with the {level}"), tuple(differences)),
        (Column("verdict", "evidence", f"whether the difference to {found.reference} is more than "
                "noise; p after Holm's correction"), tuple(verdicts)),
    ]  # fmt: skip


def signed(points: float) -> str:
    """Return a difference with its sign."""
    return f"{points:+.2f}".replace("-", "−")


def _forests(lines: Sequence[Line | None]) -> list[Forest | None]:
    """Put differences on one axis; very wide intervals are cut off at its ends."""
    found = [line for line in lines if line is not None]
    known = [(line.difference, line.interval) for line in found if line.difference is not None]
    ends = [abs(d) for d, _ in known] + [abs(e) for _, i in known if i for e in (i.low, i.high)]
    most = 3 * max((abs(d) for d, _ in known), default=0.0) + 0.5
    reach = 1.05 * (min(max(ends, default=0.0), most) or 1.0)
    low = -reach if any(min(d, i.low if i else d) < 0 for d, i in known) else -0.1 * reach
    high = reach if any(max(d, i.high if i else d) > 0 for d, i in known) else 0.1 * reach

    def place(value: float) -> float:
        return round(100 * (min(max(value, low), high) - low) / (high - low), 1)

    out: list[Forest | None] = []
    for line in lines:
        if line is None or line.difference is None:
            out.append(None)
            continue
        interval, d = line.interval, line.difference
        start, end = (interval.low, interval.high) if interval else (d, d)
        out.append(Forest(place(0.0), place(d), place(start), place(end)))
    return out
