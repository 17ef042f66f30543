"""A verdict for every published figure: reproduced, off by how much, or why there is none."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.report.published.candidates import ALL_SETS, Candidate, candidates
from harness.report.published.meanings import Meanings, load_meanings
from harness.report.published.numbers import PublishedFigure
from harness.report.published.tolerance import tolerance
from harness.report.tables.model import Table

Verdict = Literal[
    "reproduced", "within re-run allowance", "off", "not run", "not comparable"
]  # fmt: skip
COMPARED: tuple[Verdict, ...] = ("reproduced", "within re-run allowance", "off")


@dataclass(frozen=True)
class PublishedCell:
    """A published figure and what of ours stands beside it; numbers in percent or points."""

    figure: PublishedFigure
    verdict: Verdict
    reason: str = ""
    """Why it is not run or not comparable."""
    notes: tuple[str, ...] = ()
    """What the reader must know of either number."""
    label: str = ""
    """Our row's."""
    ours: float | None = None
    spread: float | None = None
    """Standard deviation over our seeds, whatever the report's ± is; None for one seed."""
    n: int = 0
    setting: str = ""
    """Backbone, precision and tested part of ours."""
    difference: float | None = None
    """Ours minus theirs."""
    tolerance: float | None = None
    allowance: float | None = None
    """How far below this figure a re-run by others landed; None if there is no such re-run."""

    @property
    def text(self) -> str:
        """Return the verdict as printed, e.g. ``off by +1.3``."""
        if self.verdict == "off" and self.difference is not None:
            return f"off by {self.difference:+.1f}"
        return self.verdict


def compare_published(
    tables: Sequence[Table],
    figures: Sequence[PublishedFigure],
    meanings: Meanings | None = None,
) -> list[PublishedCell]:
    """Return the cells in the figures' order; one for each of our rows that a figure fits.

    Args:
        tables: One per block, with domains as columns; others are passed over.
        figures: See `figures.load_figures`.
        meanings: What names mean; by default those of results/published/methods.yaml.

    Raises:
        UserError: If methods.yaml is not in order.
    """
    meanings = meanings or load_meanings()
    allowances = _allowances(figures)
    cells = []
    for figure in figures:
        allowance = allowances.get(figure.cell) if figure.by_authors else None
        cells += _cells(figure, tables, meanings, allowance)
    return cells


def _cells(
    figure: PublishedFigure, tables: Sequence[Table], meanings: Meanings, allowance: float | None
) -> list[PublishedCell]:
    if figure.protocol == "cost":
        return [PublishedCell(figure, "not comparable", "time and work are not compared")]
    if figure.method not in meanings.names:
        reason = f"methods.yaml does not say what '{figure.method}' is"
        return [PublishedCell(figure, "not comparable", reason)]
    found = candidates(figure, tables, meanings)
    there = [candidate for candidate in found if not candidate.refused]
    done = [candidate for candidate in there if candidate.cell.n]
    if done:
        return [_judged(figure, candidate, meanings, allowance) for candidate in done]
    if there:
        return [PublishedCell(figure, "not run", "planned, but no seed is complete")]
    if found:
        return [PublishedCell(figure, "not comparable", found[0].refused, label=found[0].label)]
    return [PublishedCell(figure, "not run", "no such run")]


def _judged(
    figure: PublishedFigure, found: Candidate, meanings: Meanings, allowance: float | None
) -> PublishedCell:
    values = list(found.cell.by_seed.values())
    ours = statistics.fmean(values)
    difference, near = ours - figure.value, tolerance(values, figure.spread)
    slack = 1e-9  # of the subtraction
    verdict: Verdict = "off"
    if abs(difference) <= near + slack:
        verdict = "reproduced"
    elif allowance is not None and -near - allowance - slack <= difference < 0:
        verdict = "within re-run allowance"
    key = found.table.key
    part = f", tested on '{key['test_on']}'" if figure.protocol == "domain_shift" else ""
    return PublishedCell(
        figure,
        verdict,
        notes=tuple(_notes(figure, found, meanings)),
        label=found.label,
        ours=ours,
        spread=statistics.stdev(values) if len(values) > 1 else None,
        n=len(values),
        setting=f"{key['model']} ({key['precision']}){part}",
        difference=difference,
        tolerance=near,
        allowance=allowance,
    )


def _notes(figure: PublishedFigure, found: Candidate, meanings: Meanings) -> list[str]:
    key, tested = found.table.key, meanings.tested(figure)
    notes = [figure.note, meanings.names[figure.method].note]
    if tested == "unstated":
        notes.append("source does not state the tested part")
    if tested == "out" and not (key["fixed_splits"] and key["test_resize"] == "bilinear"):
        notes.append("the authors' code has splits of seed 0 and a bilinear resize, ours has not")
    if (figure.protocol, figure.metric) == ("domain_and_class", "top1"):
        notes.append("source does not state the classes; compared with all")
    if figure.spread is None:
        notes.append("no ± printed")
    elif figure.spread_kind == "unstated":
        notes.append("kind of ± unstated")
    if found.cell.n == 1:
        notes.append("one seed of ours")
    if not found.cell.complete:
        notes.append(f"{found.cell.n} of {found.cell.planned} seeds of ours")
    if found.unchecked:
        notes.append(f"not checked: {found.unchecked}")
    return [note for note in notes if note]


def _allowances(figures: Sequence[PublishedFigure]) -> dict[tuple[str, ...], float]:
    """Return by cell how far another group's re-run fell below the authors' figure."""
    authors = {
        (figure.source, *figure.cell): figure.value for figure in figures if figure.by_authors
    }
    drops = {
        figure.cell: authors[figure.source, *figure.cell] - figure.value
        for figure in figures
        if figure.rerun and (figure.source, *figure.cell) in authors
    }
    return {cell: drop for cell, drop in drops.items() if drop > 0}


def why_none(cells: Sequence[PublishedCell], tables: Sequence[Table]) -> str:
    """Return in a line why nothing of a store could be compared; empty if something was."""
    if any(cell.verdict in COMPARED for cell in cells):
        return ""
    refused = Counter(
        cell.reason
        for cell in cells
        if cell.label and cell.verdict == "not comparable"  # a row of ours was there
    )
    if refused:
        return refused.most_common(1)[0][0]
    meanings = load_meanings()
    wanted = list(dict.fromkeys(cell.figure.backbone for cell in cells))
    known = {name for backbone in wanted for name in meanings.backbones.get(backbone, [])}
    models = list(dict.fromkeys(str(table.key["model"]) for table in tables))
    if not known & set(models):
        return f"backbone {', '.join(models)} is not {', '.join(wanted)}"
    sets = list(dict.fromkeys(cell.figure.dataset for cell in cells))
    named = ", ".join(name for name in sets if name not in ("", ALL_SETS))
    return f"no run of the methods, data sets and protocols published (data sets: {named})"
