"""Ranks over data sets as Markdown, CSV, LaTeX, and for the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.report.comparison.ranks import RankRow, Ranks
from harness.report.stats.words import p_cell, p_words
from harness.report.text import grid
from harness.report.text.grid import Grid, GridCell, cells

if TYPE_CHECKING:
    from rich.table import Table as RichTable


def caption(ranks: Ranks) -> str:
    """Return what was ranked, whether ranks differ, and what the columns are."""
    return " ".join(_sentences(ranks))


def _sentences(ranks: Ranks) -> list[str]:
    k, n, test = len(ranks.rows), len(ranks.blocks), ranks.friedman
    differ = "differ" if test.p < ranks.alpha else "are not told apart"
    sentences = [
        f"Average ranks of {k} methods over {n} {ranks.one}s ({', '.join(ranks.blocks)}): "
        f"{ranks.about}.",
        f"They {differ}: Friedman's χ² = {test.chi2:.2f}, F({k - 1}, {(k - 1) * (n - 1)}) = "
        f"{test.f:.2f}, {p_words(test.p)} (Iman and Davenport).",
        f"Ranks that differ by less than {ranks.cd:.2f} are not told apart (Nemenyi, "
        f"{ranks.alpha:g}).",
    ]
    if ranks.over == "targets":
        sentences.append(
            "Not independent: targets of a data set share most of their training images, so every "
            "p is too small."
        )
    if ranks.reference is not None:
        sentences.append(
            f"Difference to {ranks.reference} in points; p: Wilcoxon's signed-rank test over the "
            f"{ranks.one}s, Holm-corrected; probabilities of being worse, within "
            f"{ranks.rope:g} point{'' if ranks.rope == 1 else 's'}, and better: the Bayesian "
            "signed-rank test."
        )
        smallest = (k - 1) * 2.0 ** (1 - n)
        if smallest > ranks.alpha:
            sentences.append(f"With {n} {ranks.one}s that p is never below {min(smallest, 1):.3g}.")
    if ranks.left_out:
        sentences.append(f"Without all {ranks.one}s, so not ranked: {', '.join(ranks.left_out)}.")
    return sentences


def _grid(ranks: Ranks) -> Grid:
    head = ["method", "average rank"]
    if ranks.reference is not None:
        head += [f"difference to {ranks.reference}", "p (Holm)", "P(worse)", "P(same)", "P(better)"]
    rows = (_cells(row, len(head)) for row in ranks.rows)
    return Grid(tuple(head), tuple(rows), "l" + "c" * (len(head) - 1), caption(ranks))


def _cells(row: RankRow, columns: int) -> tuple[GridCell, ...]:
    first = cells((row.label, f"{row.rank:.2f}"))
    if row.against is None:
        return (*first, *cells(["–"] * (columns - 2)))
    own, same = row.against, row.against.equivalence
    shares = (f"{share:.3f}" for share in (same.worse, same.same, same.better))
    return (
        *first,
        GridCell(f"{own.difference:+.2f}", signed=True),
        GridCell(p_cell(own.holm_p)),
        *cells(shares),
    )


def to_markdown(ranks: Ranks) -> str:
    """Return a GitHub table with its caption below."""
    return grid.to_markdown(_grid(ranks))


def to_latex(ranks: Ranks, label: str) -> str:
    """Return a booktabs table with short heads; what the columns are is said below it."""
    full, (first, *others) = _grid(ranks), _sentences(ranks)
    head = ("Method", "rank", "difference", *full.head[3:])[: len(full.head)]
    return grid.to_latex(replace(full, head=head, short=first, notes=" ".join(others), label=label))


def to_terminal(ranks: Ranks) -> RichTable:
    """Return a rich table."""
    return grid.to_terminal(_grid(ranks))


def lines(ranks: Ranks) -> grid.Lines:
    """Return one line per method, unrounded; what holds for all is in every line."""
    head = ("method", "average_rank", "reference", "difference", "test", "holm_p", "p_worse",
            "p_same", "p_better", "rope", "over", "blocks", "friedman_chi2", "iman_davenport_f",
            "friedman_p", "critical_difference", "alpha")  # fmt: skip
    test = ranks.friedman
    shared = (ranks.rope, ranks.over, " ".join(ranks.blocks), test.chi2, test.f, test.p, ranks.cd,
              ranks.alpha)  # fmt: skip
    rows = []
    for row in ranks.rows:
        own = row.against
        same = own.equivalence if own else None
        compared = (own.difference, "wilcoxon", own.holm_p) if own else (None, None, None)
        shares = (same.worse, same.same, same.better) if same else (None, None, None)
        rows.append((row.label, row.rank, ranks.reference, *compared, *shares, *shared))
    return grid.Lines(head, rows)
