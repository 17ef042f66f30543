"""How many seeds a gain needs, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.comparison.power import Power
from harness.report.stats.power import std_factors
from harness.report.text import grid
from harness.report.text.grid import Grid, cells

if TYPE_CHECKING:
    from rich.table import Table as RichTable


def legend(power: Power) -> str:
    """Return what the numbers are, how rough they are, and what more seeds do not show."""
    counts = sorted({row.n for row in power.rows if row.std is not None})
    rough = "; ".join(
        f"from {n} seeds the true one is {low:.1f} to {high:.1f} times it"
        for n in counts
        for low, high in (std_factors(n),)
    )
    return (
        f"Seeds with which a gain over {power.reference} is found with {100 * power.power:g} % "
        f"power at the level {power.alpha:g} (paired t test, two-sided, of one comparison alone), "
        f"by the standard deviation between the pilot's seeds; {rough} (95 %). Seeds do not "
        "replace data sets: however many, they say nothing of data that were not run."
    )


def answers(power: Power) -> list[str]:
    """Return a sentence for each method: the seeds that its last column, the mean, needs."""
    last = {row.label: row for row in power.rows}
    return [
        f"{row.label}: {seeds.text} seeds for {gain:g} points over {power.reference} "
        f"({row.column})."
        for row in last.values()
        for gain, seeds in zip(power.gains, row.seeds, strict=False)
    ]


def to_terminal(power: Power) -> RichTable:
    """Return a rich table."""
    head = ("method", "target", "seeds", "std", *(f"{gain:g} points" for gain in power.gains))
    rows = (
        cells((
            *(row.label, row.column, str(row.n)),
            "–" if row.std is None else f"{row.std:.2f}",
            *([own.text for own in row.seeds] or ["–"] * len(power.gains)),
        ))
        for row in power.rows
    )  # fmt: skip
    align = "ll" + "r" * (len(head) - 2)
    return grid.to_terminal(Grid(head, tuple(rows), align, legend(power), title=power.about))
