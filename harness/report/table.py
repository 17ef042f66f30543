"""What a table says, whatever it is rendered as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from harness.report.spread import Spread

Score = Literal["target", "source_val"]
"""What a table shows: accuracy on the held-out domain, or on the sources' validation parts."""


@dataclass(frozen=True)
class Cell:
    """One number of the table, in percent, or why there is none."""

    mean: float | None
    spread: float | None
    """None for a single run: one number has no spread."""
    n: int
    """Seeds that entered."""
    n_failed: int
    n_missing: int
    """Planned, or run on another domain, but without result or failure here."""
    best: bool = False

    @property
    def planned(self) -> int:
        """Return how many seeds there should be."""
        return self.n + self.n_failed + self.n_missing

    @property
    def complete(self) -> bool:
        """Tell whether every planned seed is there."""
        return self.n > 0 and self.n == self.planned


@dataclass(frozen=True)
class Row:
    """One method in one configuration."""

    label: str
    names: frozenset[str]
    """What a figure's definition may call it, in canonical spelling."""
    method: str
    selection: str
    """The weights that were tested: `last`, `averaged`, `best`."""
    cells: tuple[Cell, ...]
    """One per domain of the table."""
    mean: Cell
    """Over domains within each seed, then over seeds; only seeds that have all domains."""

    def all_cells(self) -> tuple[Cell, ...]:
        """Return the domains' cells and the mean's."""
        return (*self.cells, self.mean)


@dataclass(frozen=True)
class Table:
    """What a table shows, whatever it is rendered as."""

    key: dict[str, Any]
    """What all rows share: see `blocks.FIELDS`."""
    domains: tuple[str, ...]
    heads: tuple[str, ...]
    """How the domains' columns are headed: their names, or initials if asked."""
    rows: tuple[Row, ...]
    spread: Spread
    usual_n: int
    """The number of seeds most cells have; a cell that differs says so."""
    n_runs: int
    n_failed: int
    n_missing: int
    score: Score = "target"

    @property
    def mean_head(self) -> str:
        """Return the last column's heading, never the name of a domain."""
        return "mean" if "mean" not in self.domains else "mean over domains"


def cell_text(cell: Cell, usual_n: int) -> tuple[str, str, str]:
    """Return a cell as number, spread and note, each perhaps empty, e.g. ``61.2 ± 0.4 (2/3)``."""
    if cell.mean is None:
        return ("failed" if cell.n_failed else "–"), "", ""
    spread = "" if cell.spread is None else f"± {cell.spread:.1f}"
    if not cell.complete:
        return f"{cell.mean:.1f}", spread, f"({cell.n}/{cell.planned})"
    return f"{cell.mean:.1f}", spread, "" if cell.n == usual_n else f"(n={cell.n})"
