"""A verdict for every published number: reproduced, off by how much, or why there is none."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.protocols import PROTOCOLS
from harness.report.published.candidates import ALL_SETS, Counterpart, counterparts
from harness.report.published.meanings import Meanings, load_meanings
from harness.report.published.numbers import COST, PublishedNumber
from harness.report.published.tolerance import allowed_difference, published_error
from harness.report.tables.model import Table
from harness.report.tables.spread import spread_of

PublishedVerdict = Literal[
    "reproduced", "within re-run allowance", "off", "not run", "not comparable"
]
COMPARED: tuple[PublishedVerdict, ...] = ("reproduced", "within re-run allowance", "off")


@dataclass(frozen=True)
class PublishedCell:
    """A published number and what of ours stands beside it; numbers in percent or points."""

    published: PublishedNumber
    verdict: PublishedVerdict
    reason: str = ""
    """Why it is not run or not comparable."""
    notes: tuple[str, ...] = ()
    """What the reader must know of either number."""
    label: str = ""
    """Our row's."""
    ours: float | None = None
    spread: float | None = None
    """Standard deviation over our seeds, whatever the report's ± is; None as in a table."""
    n: int = 0
    setting: str = ""
    """Backbone, precision and tested part of ours."""
    difference: float | None = None
    """Ours minus theirs."""
    tolerance: float | None = None
    allowance: float | None = None
    """How far below this number a re-run by others landed; None if there is no such re-run."""

    @property
    def text(self) -> str:
        """Return the verdict as printed, e.g. ``off by +1.3``."""
        if self.verdict == "off" and self.difference is not None:
            return f"off by {self.difference:+.1f}"
        return self.verdict


def compare_published(
    tables: Sequence[Table],
    numbers: Sequence[PublishedNumber],
    meanings: Meanings | None = None,
) -> list[PublishedCell]:
    """Return the cells in the numbers' order; one for each of our rows that a number fits.

    Args:
        tables: One per block, with domains as columns; others are passed over.
        numbers: See `numbers.load_numbers`.
        meanings: What names mean; by default those of results/published/methods.yaml.

    Raises:
        UserError: If methods.yaml is not in order.
    """
    meanings = meanings or load_meanings()
    allowances = _allowances(numbers)
    cells = []
    for number in numbers:
        allowance = allowances.get(number.cell) if number.by_authors else None
        cells += _cells(number, tables, meanings, allowance)
    return cells


def _cells(
    number: PublishedNumber, tables: Sequence[Table], meanings: Meanings, allowance: float | None
) -> list[PublishedCell]:
    if number.protocol == COST:
        return [PublishedCell(number, "not comparable", "time and work are not compared")]
    if number.method not in meanings.names:
        reason = f"methods.yaml does not say what '{number.method}' is"
        return [PublishedCell(number, "not comparable", reason)]
    known = counterparts(number, tables, meanings)
    comparable = [one for one in known if not one.refused]
    done = [one for one in comparable if one.cell.n]
    if done:
        return [_judged(number, ours, meanings, allowance) for ours in done]
    if comparable:
        return [PublishedCell(number, "not run", "planned, but no seed is complete")]
    if known:
        first = known[0]
        return [PublishedCell(number, "not comparable", first.refused, label=first.label)]
    return [PublishedCell(number, "not run", "no such run")]


def _judged(
    number: PublishedNumber, counterpart: Counterpart, meanings: Meanings, allowance: float | None
) -> PublishedCell:
    values = list(counterpart.cell.by_seed.values())
    ours = statistics.fmean(values)
    difference, near = ours - number.value, allowed_difference(values, published_error(number))
    slack = 1e-9  # of the subtraction
    verdict: PublishedVerdict = "off"
    if abs(difference) <= near + slack:
        verdict = "reproduced"
    elif allowance is not None and -near - allowance - slack <= difference < 0:
        verdict = "within re-run allowance"
    key = counterpart.table.key
    split = "test_on" in PROTOCOLS[number.protocol].options
    part = f", tested on '{key['test_on']}'" if split else ""
    return PublishedCell(
        number,
        verdict,
        notes=tuple(_notes(number, counterpart, meanings)),
        label=counterpart.label,
        ours=ours,
        spread=None if counterpart.cell.deterministic else spread_of(values, "std"),
        n=len(values),
        setting=f"{key['model']} ({key['precision']}){part}",
        difference=difference,
        tolerance=near,
        allowance=allowance,
    )


def _notes(number: PublishedNumber, counterpart: Counterpart, meanings: Meanings) -> list[str]:
    key, tested = counterpart.table.key, meanings.tested(number)
    notes = [number.note, meanings.names[number.method].note]
    if tested == "unstated":
        notes.append("source does not state the tested part")
    if tested == "out" and not (
        key["fixed_splits"] and key["test_resize"] in ("authors", "bilinear")
    ):
        notes.append("the authors' code has splits of seed 0 and a bilinear resize, ours has not")
    if (number.protocol, number.metric) == ("domain_and_class", "top1"):
        notes.append("source does not state the classes; compared with all")
    if number.spread is None:
        notes.append("no ± printed")
    elif number.spread_kind == "unstated":
        notes.append("kind of ± unstated")
    if counterpart.cell.n == 1:
        notes.append("one seed of ours")
    if counterpart.cell.deterministic:
        notes.append("ours is deterministic")
    if not counterpart.cell.complete:
        notes.append(f"{counterpart.cell.n} of {counterpart.cell.planned} seeds of ours")
    if counterpart.unchecked:
        notes.append(f"not checked: {counterpart.unchecked}")
    return [note for note in notes if note]


def _allowances(numbers: Sequence[PublishedNumber]) -> dict[tuple[str, ...], float]:
    """Return by cell how far another group's re-run fell below the authors' number."""
    authors = {
        (number.source, *number.cell): number.value for number in numbers if number.by_authors
    }
    drops = {
        number.cell: authors[number.source, *number.cell] - number.value
        for number in numbers
        if number.rerun and (number.source, *number.cell) in authors
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
    wanted = list(dict.fromkeys(cell.published.backbone for cell in cells))
    known = {name for backbone in wanted for name in meanings.backbones.get(backbone, [])}
    models = list(dict.fromkeys(str(table.key["model"]) for table in tables))
    if not known & set(models):
        return f"backbone {', '.join(models)} is not {', '.join(wanted)}"
    sets = list(dict.fromkeys(cell.published.dataset for cell in cells))
    named = ", ".join(name for name in sets if name not in ("", ALL_SETS))
    return f"no run of the methods, data sets and protocols published (data sets: {named})"
