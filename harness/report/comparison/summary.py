"""One plain sentence under a table: what is best, by how much, and whether that is noise."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.comparison.model import RowComparison
from harness.report.stats import Comparison, Design, Interval, Scores, compare_scores
from harness.report.stats.words import p_words
from harness.report.tables.model import Table


def plain_answer(
    table: Table,
    reference: str,
    rows: Sequence[RowComparison],
    scores: Scores,
    design: Design,
) -> str:
    """Return which method is best, by how much over reference and second, and how sure that is.

    Only rows whose mean is complete can be best.
    """
    means = {row.label: row.mean.mean for row in table.rows if row.mean.complete}
    ranked = sorted(means, key=lambda label: -(means[label] or 0.0))
    if len(ranked) < 2:
        return "Fewer than two methods have all their runs, so none can be called best."
    best, second = ranked[:2]
    where = " on source validation" if table.score == "source_val" else ""
    tied = [label for label in ranked if f"{means[label]:.2f}" == f"{means[best]:.2f}"]
    if len(tied) > 1:
        names = f"{', '.join(tied[:-1])} and {tied[-1]}"
        sentence = f"{names} are equally good{where} with {means[best]:.{table.decimals}f} %."
        return " ".join(filter(None, (sentence, why_unresolved(rows))))
    by_label = {row.label: row for row in rows}
    leads = []
    if best in by_label:
        row = by_label[best]
        leads.append(f"{_over(row.difference, row.interval, reference)}: {_sure(row)}")
    if second != reference:
        # of its own, not corrected: a look at the two highest
        lead = (
            _turned(by_label[second])
            if best == reference and second in by_label
            else _alone(compare_scores(scores, second, [best], design)[0], second)
        )
        leads.append(lead)
    sentence = f"{best} is best{where} with {means[best]:.{table.decimals}f} %, {'; '.join(leads)}."
    return " ".join(filter(None, (sentence, why_unresolved(rows))))


def why_unresolved(rows: Sequence[RowComparison]) -> str:
    """Return why nothing can be said beyond the means, or nothing."""
    if any(row.verdict != "too few seeds" for row in rows):
        return ""
    shared = max(row.comparison.n_seeds for row in rows)
    if shared == 0:
        return (
            "No two methods share a seed that is done on every domain, so no difference is known."
        )
    if shared == 1:
        return (
            "There is one seed, and another seed may give another order: whether a difference is "
            "more than noise cannot be said. Run at least three seeds."
        )
    return (
        f"With {shared} seeds no scores at all could give a small enough p; "
        "run more seeds or use the t test."
    )


def _over(difference: float | None, interval: Interval | None, other: str) -> str:
    if difference is None:
        return f"but it shares no complete seed with {other}"
    between = ""
    if interval is not None:
        between = (
            f" ({100 * interval.level:g} % interval {interval.low:.2f} to {interval.high:.2f})"
        )
    return f"{difference:.2f} points over {other}{between}"


def _sure(row: RowComparison) -> str:
    if row.verdict == "too few seeds":
        return "too few seeds to tell it from noise"
    many = row.comparison.n_comparisons
    corrected = f" after Holm's correction for {many} comparisons" if many > 1 else ""
    what = "images" if row.over_images else "seeds"
    if row.verdict == "not resolved":
        return f"this may be noise between {what} ({p_words(row.holm_p)}{corrected})"
    return f"more than noise between {what} ({p_words(row.holm_p)}{corrected})"


def _turned(row: RowComparison) -> str:
    """Return the reference's lead over the second: its row's comparison, the other way round."""
    gap = None if row.difference is None else -row.difference
    interval = row.interval and Interval(
        -row.interval.value, -row.interval.high, -row.interval.low, row.interval.level
    )
    return f"{_over(gap, interval, f'the second, {row.label}')}: {_sure(row)}"


def _alone(one: Comparison, second: str) -> str:
    sure = {
        "too few seeds": ", which the seeds cannot tell from noise",
        "not resolved": ", which may be noise",
    }.get(one.verdict, ", which is more than noise by itself")
    return f"{_over(one.difference, one.t, f'the second, {second}')}{sure}"
