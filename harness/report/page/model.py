"""What the page says, before it is markup; no string here is trusted or escaped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.report.page.pareto import Plot
from harness.report.stats import Verdict
from harness.report.tables.model import Row, Table

ColumnGroup = Literal["score", "evidence", "columns", "beyond", "cost", "published"]
"""Which switch shows and hides a column; ``published`` are not columns but lines in cells."""
GROUPS: dict[ColumnGroup, str] = {
    "evidence": "evidence",
    "columns": "columns",
    "beyond": "beyond accuracy",
    "cost": "cost",
    "published": "published figures",
}
State = Literal["done", "partial", "failed", "missing", "none"]
"""Of a cell. ``none``: there is nothing that could be missing, as a step of a method that takes
none."""
Badge = Literal["resolved", "noise", "unknown"]
"""Whether the best method's lead is more than noise."""
BADGES: dict[Verdict, Badge] = {
    "better": "resolved",
    "worse": "resolved",
    "not resolved": "noise",
    "too few seeds": "unknown",
}


@dataclass(frozen=True)
class Published:
    """A figure of the literature beside one of ours."""

    text: str
    """The figure as it is shown, e.g. ``96.2 ± 0.1``."""
    source: str
    """Where it stands."""
    verdict: str = ""
    """Whether ours agrees with it."""


Beside = Callable[[Table, Row, str], Sequence[Published]]
"""From a table, one of its rows and a column's name to what is published of it."""


@dataclass(frozen=True)
class Forest:
    """A difference and its interval, as places in 0..100 on an axis all rows share."""

    zero: float
    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Shown:
    """A cell."""

    number: str
    value: float | None
    """What it is sorted by; None comes last in either direction."""
    spread: str = ""
    note: str = ""
    mark: str = ""
    mark_text: str = ""
    """The mark in words, for a tooltip and for screen readers."""
    best: bool = False
    state: State = "done"
    runs: str = ""
    """Positions in the page's list of runs, as ``0-2,7``."""
    first: str = ""
    """The id of the first of them."""
    title: str = ""
    verdict: str = ""
    forest: Forest | None = None
    published: tuple[Published, ...] = ()


@dataclass(frozen=True)
class PageColumn:
    """A column's head."""

    text: str
    group: ColumnGroup
    title: str = ""
    falling: bool = True
    """Whether the first click puts high values first."""


@dataclass(frozen=True)
class PageRow:
    """A row."""

    label: str
    method: str
    is_reference: bool
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class Domain:
    """One column of the table in detail."""

    name: str
    best: tuple[str, ...]
    number: str
    second: str
    lead: str
    """Of the best over the next in points; empty without a next."""
    badge: Badge | None
    """None if nothing was compared."""
    badge_text: str
    reading: str
    """The comparison in a sentence."""
    dots: tuple[float, ...]
    """All methods, 0..100 on an axis all domains share; the best is the last."""


@dataclass(frozen=True)
class Glance:
    """The answer in short."""

    best: str
    number: str
    spread: str
    lead: str
    """By how much over what, e.g. ``+1.95 over CLIPood``; empty if nothing was compared."""
    badge: Badge | None
    badge_text: str
    answer: str
    """The sentence; empty if nothing was compared."""


@dataclass(frozen=True)
class View:
    """A block or a joined table: one section of the page."""

    id: str
    title: str
    facts: tuple[tuple[str, str], ...]
    """Protocol, data set, backbone and so on: what all its numbers share."""
    caption: str
    glance: Glance
    columns: tuple[PageColumn, ...]
    """Without the first, the methods' names; the first of these is what the rows are sorted by."""
    rows: tuple[PageRow, ...]
    domains: tuple[Domain, ...]
    domain_axis: tuple[str, str]
    """Ends of the axis of `domains`."""
    domain_note: str
    """How their leads were compared; empty if nothing was."""
    what: str
    """What the columns are: domains, data sets."""
    plots: tuple[Plot, ...]
    notes: tuple[str, ...]

    @property
    def groups(self) -> tuple[tuple[ColumnGroup, str], ...]:
        """Return the switches that this view's columns need."""
        there = {column.group for column in self.columns}
        if self.published:
            there.add("published")
        return tuple((group, text) for group, text in GROUPS.items() if group in there)

    @property
    def published(self) -> tuple[tuple[str, str, str, Published], ...]:
        """Return every published figure with its method, column and our number."""
        return tuple(
            (row.label, column.text, cell.number, one)
            for row in self.rows
            for column, cell in zip(self.columns, row.cells, strict=True)
            for one in cell.published
        )


@dataclass(frozen=True)
class Image:
    """A figure of the store."""

    title: str
    alt: str
    png: bytes


@dataclass(frozen=True)
class PageProvenance:
    """What the page was made from; no date, so that the same store gives the same page."""

    store: str
    """The directory's name; not where it lies."""
    n_done: int
    n_failed: int
    n_missing: int
    code: tuple[tuple[str, int], ...]
    """Commits and how many of the runs each made."""
    versions: tuple[tuple[str, tuple[str, ...]], ...]
    """Packages and their versions, more than one where runs differ."""
    devices: tuple[tuple[str, int], ...]

    @property
    def n_runs(self) -> int:
        """Return the number of runs, done or not."""
        return self.n_done + self.n_failed + self.n_missing


@dataclass(frozen=True)
class Page:
    """Everything on the page."""

    provenance: PageProvenance
    views: tuple[View, ...]
    notes: tuple[str, ...]
    images: tuple[Image, ...]
    data: dict[str, Any]
    """See `runs.page_data`."""
