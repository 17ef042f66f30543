"""Each column's best row against its next: is the lead there more than noise?"""

from __future__ import annotations

from dataclasses import replace

from harness.report.comparison.model import Lead, TableComparison
from harness.report.stats import Comparison, Design, compare_scores, gathered, together
from harness.report.stats.paired import TEST_NAMES
from harness.report.tables.model import Table


def leads_of(table: Table, design: Design | None = None) -> tuple[Lead, ...]:
    """Return the best and the next of each column, compared over the seeds of that column alone.

    Only cells whose seeds are all there can be best or next; rows that print the same are best
    together, and the next is the one behind them.

    Args:
        table: The table.
        design: How they are compared, with Holm's correction for the columns; None: they are not.
    """
    leads: list[Lead] = []
    for i, column in enumerate(table.domains):
        cells = {row.label: row.cells[i] for row in table.rows}
        whole = {name: c.mean for name, c in cells.items() if c.mean is not None and c.complete}
        ranked = sorted(whole, key=lambda name: -whole[name])
        shown = [f"{whole[name]:.{table.decimals}f}" for name in ranked]
        best = tuple(ranked[: shown.count(shown[0])]) if ranked else ()
        second = ranked[len(best)] if len(ranked) > len(best) else ""
        found: Comparison | None = None
        if second and design is not None:
            scores = gathered(
                (name, ("", column), seed, score)
                for name in (best[0], second)
                for seed, score in cells[name].by_seed.items()
            )
            (found,) = compare_scores(scores, second, [best[0]], design)
        lead = whole[best[0]] - whole[second] if second else None
        leads.append(Lead(column, best, shown[0] if shown else "", second, lead, found))
    if design is None:
        return tuple(leads)
    compared = iter(together([own.comparison for own in leads if own.comparison], design))
    return tuple(
        replace(own, comparison=next(compared)) if own.comparison else own for own in leads
    )


def leads_note(comparison: TableComparison) -> str:
    """Return how the leads were compared."""
    n = sum(own.comparison is not None for own in comparison.leads)
    corrected = f", Holm-corrected for {n} comparisons" if n > 1 else ""
    test = TEST_NAMES[comparison.design.test]
    return f"Lead over the next in points; {test} over seeds{corrected}." if n else ""
