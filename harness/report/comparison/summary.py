"""One plain sentence under a table: what is best, by how much, and whether that is noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from harness.report.stats import Comparison, Interval, compare
from harness.report.tables.model import Table

if TYPE_CHECKING:
    from harness.report.comparison.evidence import Evidence, Line


def answer(table: Table, found: Evidence, runs: pd.DataFrame) -> str:
    """Return which method is best, by how much over reference and second, and how sure that is.

    Only rows whose mean is complete can be best.

    Args:
        table: The table.
        found: The comparisons of its rows.
        runs: The scores compared, as `stats.compare` takes them.
    """
    means = {row.label: row.mean.mean for row in table.rows if row.mean.complete}
    ranked = sorted(means, key=lambda label: -(means[label] or 0.0))
    if len(ranked) < 2:
        return "Fewer than two methods have all their runs, so none can be called best."
    best, second = ranked[:2]
    where = " on source validation" if table.score == "source_val" else ""
    sentence = f"{best} is best{where} with {means[best]:.1f} %"
    line = found.line(best)
    parts = []
    if line is not None:
        parts.append(f"{_over(line.difference, line.interval, found.reference)}: {_sure(line)}")
    if line is None or second != found.reference:
        parts.append(_second(found, runs, best, second))
    text = "; ".join(parts)
    return f"{sentence}, {text}.{' ' + found.why_none if found.why_none else ''}"


def _over(difference: float | None, interval: Interval | None, other: str | None) -> str:
    if difference is None:
        return f"but it shares no complete seed with {other}"
    between = ""
    if interval is not None:
        between = (
            f" ({100 * interval.level:g} % interval {interval.low:.2f} to {interval.high:.2f})"
        )
    return f"{difference:.2f} points over {other}{between}"


def _sure(line: Line) -> str:
    comparison = line.comparison
    if line.verdict == "too few seeds":
        return "too few seeds to tell it from noise"
    many = comparison.n_comparisons
    corrected = f" after Holm's correction for {many} comparisons" if many > 1 else ""
    p = "p < 0.001" if line.holm_p < 0.001 else f"p = {line.holm_p:.3f}"
    what = "images" if line.over_images else "seeds"
    if line.verdict == "not resolved":
        return f"this may be noise between {what} ({p}{corrected})"
    return f"more than noise between {what} ({p}{corrected})"


def _second(found: Evidence, runs: pd.DataFrame, best: str, second: str) -> str:
    """Compare with the second by itself; if best is the reference that is a line already."""
    line = found.line(second) if best == found.reference else None
    if line is not None:
        gap = None if line.difference is None else -line.difference
        interval = line.interval and Interval(
            -line.interval.value, -line.interval.high, -line.interval.low, line.interval.level
        )
        return f"{_over(gap, interval, f'the second, {second}')}: {_sure(line)}"
    (one,) = compare(
        runs, second, [best], test=found.test, unit=found.unit, alpha=found.alpha
    )  # of its own, not corrected: a look at the two highest
    return f"{_over(one.difference, one.t, f'the second, {second}')}{_alone(one)}"


def _alone(one: Comparison) -> str:
    return {
        "too few seeds": ", which the seeds cannot tell from noise",
        "not resolved": ", which may be noise",
    }.get(one.verdict, ", which is more than noise by itself")
