"""What of a row's number is tuning: its own values beside the chosen ones, at the same seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.report.tables.model import Cell, Table
from harness.store.records import SweepPlan
from harness.tune.words import NAMES, defaults_label, tuned_label


@dataclass(frozen=True)
class Gain:
    """One row under one rule; percent and points, of the mean over domains."""

    row: str
    selection: str
    defaults: float | None
    tuned: float | None
    gain: float | None
    """Over the seeds that both have."""
    spread: float | None
    """Standard deviation of the gain over seeds."""
    n: int
    reference: str = ""
    """The row compared with; empty for itself, or where it was not tuned."""
    apart: float | None = None
    """Difference to the reference, both with their own values."""
    apart_tuned: float | None = None
    """The same, both tuned by this rule."""


def gains(table: Table, plans: Iterable[SweepPlan], reference: str | None) -> tuple[Gain, ...]:
    """Return what tuning is worth in one block.

    Args:
        table: The block's.
        plans: The sweeps whose rows may stand in it.
        reference: The row that the others are compared with, tuned or not.
    """
    cells = {row.label: table.cells(row)[-1] for row in table.rows}
    named = {s.finals[0].label: s for plan in plans for s in plan.searches}
    tuned = {label: search for label, search in named.items() if label in cells}
    base = next(
        (s.row for label, s in tuned.items() if reference in (label, defaults_label(s.row))), ""
    )
    one_budget = len({len(search.candidates) for search in tuned.values()}) == 1
    found = []
    for label, search in tuned.items():
        row, rule, trials = search.row, search.rule, len(search.candidates)
        cell, default = cells[label], cells.get(defaults_label(row))
        steps = _differences(cell, default)
        other = base if base != row else ""
        beside = cells.get(tuned_label(base, rule, trials))
        found.append(
            Gain(
                row=row,
                selection=NAMES[rule] if one_budget else f"{NAMES[rule]}, {trials} trials",
                defaults=default.mean if default else None,
                tuned=cell.mean,
                gain=_mean(steps),
                spread=statistics.stdev(steps) if len(steps) > 1 else None,
                n=len(steps),
                reference=other,
                apart=_mean(_differences(default, cells.get(defaults_label(base))))
                if other
                else None,
                apart_tuned=_mean(_differences(cell, beside)) if other else None,
            )
        )
    return tuple(found)


def _differences(one: Cell | None, other: Cell | None) -> list[float]:
    """Return one minus the other for every seed that both have."""
    if one is None or other is None:
        return []
    return [value - other.by_seed[s] for s, value in one.by_seed.items() if s in other.by_seed]


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def sentence(found: Sequence[Gain]) -> str:
    """Return in words what tuning is worth, and what is left of differences to the reference."""
    own, apart = [], []
    for row in dict.fromkeys(gain.row for gain in found):
        mine = [gain for gain in found if gain.row == row]
        steps = [
            f"{g.gain:+.2f} to {g.tuned:.1f} ({g.selection})"
            for g in mine
            if g.gain is not None and g.tuned is not None
        ]
        left = [f"{g.apart_tuned:+.2f} ({g.selection})" for g in mine if g.apart_tuned is not None]
        if steps and mine[0].defaults is not None:
            own.append(f"{row} {mine[0].defaults:.1f}, {', '.join(steps)}")
        if left and mine[0].apart is not None:
            apart.append(f"{row} {mine[0].apart:+.2f}, tuned alike {', '.join(left)}")
    texts = [f"With a row's own values, and what tuning adds: {'; '.join(own)}."] if own else []
    if apart:
        reference = next(gain.reference for gain in found if gain.reference)
        texts.append(f"Against {reference}, both at their own values: {'; '.join(apart)}.")
    return " ".join(texts)
