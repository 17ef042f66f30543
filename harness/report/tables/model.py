"""What a table says, whatever it is rendered as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.report.runs.rows import SeedKey
from harness.report.tables.columns import DOMAINS, ColumnKind
from harness.report.tables.spread import Spread
from harness.specs import ELSEWHERE

ScoredOn = Literal["target", "source_val"]
"""What a table shows: accuracy on the held-out domain, or on the sources' validation parts."""


@dataclass(frozen=True)
class Cell:
    """One number of the table, in percent, or why there is none."""

    mean: float | None
    spread: float | None
    """None for a single run and for a deterministic method: one number has no spread."""
    n: int
    """Seeds that entered."""
    n_failed: int
    n_missing: int
    """Planned, or run on another domain, but without result or failure here."""
    best: bool = False
    runs: tuple[str, ...] = ()
    """Ids of the runs behind it, done or not, in the order of columns and seeds."""
    by_seed: Mapping[SeedKey, float] = field(default_factory=dict)
    """The scores that `mean` is the mean of, by (seed, data seed)."""
    base_new: Mapping[SeedKey, tuple[float, float]] = field(default_factory=dict)
    """Of a harmonic mean: the two accuracies it is of. An average H is the H of averages."""
    deterministic: bool = False
    """Nothing was trained and every seed gave the same: one number, so without spread."""
    mark: str = ""
    """† or ‡ where the method is better or worse than the reference, beyond noise."""

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
    """Over columns within each seed, then over seeds; only seeds that have all columns."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The method's complete configuration; empty where blocks are joined, whose may differ."""

    @property
    def elsewhere(self) -> bool:
        """Tell whether these are weights trained elsewhere."""
        return self.method == ELSEWHERE


@dataclass(frozen=True)
class Table:
    """What a table shows, whatever it is rendered as."""

    key: dict[str, Any]
    """What all rows share: see `blocks.FIELDS`."""
    domains: tuple[str, ...]
    """The columns: held-out domains, or data sets, backbones, measures where these are joined."""
    heads: tuple[str, ...]
    """How the columns are headed: their names, or initials if asked."""
    rows: tuple[Row, ...]
    spread: Spread
    usual_n: int
    """The number of seeds most cells have; a cell that differs says so."""
    n_runs: int
    n_failed: int
    n_missing: int
    score: ScoredOn = "target"
    kind: ColumnKind = DOMAINS
    """What the columns are."""
    about: str = ""
    """What stands at the head of the caption where the numbers are no accuracies."""
    has_mean: bool = True
    """False where a mean over the columns says nothing: one column, or different measures."""
    hidden: int = 0
    """Columns that the mean is over, too, and that are not shown."""
    tuning: str = ""
    """How the values of its tuned rows were chosen, with which budget."""
    content: str = ""
    """What tells it from a table of the same title: see `blocks.Block.content`."""
    differs: str = ""
    """What else does, e.g. ``test-in``: words for what tables of the same title differ in."""
    note: str = ""
    """The caption's last sentence: what the marks mean."""
    decimals: int = 1
    """Of printed numbers; what prints the same is a tie."""

    @property
    def apart(self) -> bool:
        """Tell whether all its weights were trained elsewhere, so that it ranks and tests none."""
        return bool(self.rows) and all(row.elsewhere for row in self.rows)

    @property
    def mean_head(self) -> str:
        """Return the last column's heading, never the name of another."""
        return "mean" if "mean" not in self.domains else f"mean over {self.kind.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of all columns, the mean's included if it is shown."""
        return (*self.domains, self.mean_head) if self.has_mean else self.domains

    @property
    def column_heads(self) -> tuple[str, ...]:
        """Return how all columns are headed."""
        return (*self.heads, self.mean_head) if self.has_mean else self.heads

    def cells(self, row: Row) -> tuple[Cell, ...]:
        """Return a row's cell in every column."""
        return (*row.cells, row.mean) if self.has_mean else row.cells

    def text(self, cell: Cell) -> tuple[str, str, str]:
        """Return one of its cells as `cell_text` does."""
        return cell_text(cell, self.usual_n, self.decimals)


def cell_text(cell: Cell, usual_n: int, decimals: int = 1) -> tuple[str, str, str]:
    """Return a cell as number, spread and note, each perhaps empty, e.g. ``61.2 ± 0.4 (2/3)``.

    A mark is part of the note.
    """
    if cell.mean is None:
        return ("failed" if cell.n_failed else "–"), "", ""
    spread = "" if cell.spread is None else f"± {cell.spread:.{decimals}f}"
    note = "" if cell.n == usual_n else f"(n={cell.n})"
    if not cell.complete:
        note = f"({cell.n}/{cell.planned})"
    return f"{cell.mean:.{decimals}f}", spread, " ".join(filter(None, (note, cell.mark)))
