"""The page of a store: every block and what joins them, their runs and where these come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from harness.errors import UserError
from harness.protocols import PROTOCOLS
from harness.report.build import Choice, Reported, comparison_of, ranks_by_name, report_blocks
from harness.report.comparison.marks import marked
from harness.report.comparison.model import TableComparison
from harness.report.comparison.reference import references_of
from harness.report.page.columns import Places
from harness.report.page.cost import Spent, spent_of
from harness.report.page.images import answer_images, page_images
from harness.report.page.model import Beside, Page, PageProvenance
from harness.report.page.runs import page_data
from harness.report.page.view import Source, safe_id, view_of
from harness.report.runs.blocks import FIELDS
from harness.report.runs.index import index_of
from harness.report.runs.predictions import PredictionCache
from harness.report.tables.columns import SIDE_BY_SIDE
from harness.report.tables.join import join_tables
from harness.report.tables.model import Table
from harness.store.records import RunRecord
from harness.store.store import Store


@dataclass
class Made:
    """What the page says of all records together; they pass by, one after the other."""

    spent: dict[str, Spent] = field(default_factory=dict)
    code: Counter[str] = field(default_factory=Counter)
    packages: dict[str, set[str]] = field(default_factory=dict)

    def noted(self, record: RunRecord) -> RunRecord:
        """Note what is needed of a record, and return it."""
        self.spent[record.id] = spent_of(record)
        self.code[record.provenance.git or "not under version control"] += 1
        for name, version in record.provenance.versions.items():
            self.packages.setdefault(name, set()).add(version)
        return record


def build_page(
    store: Store,
    choice: Choice | None = None,
    beside: Beside | None = None,
    reported: Sequence[Reported] | None = None,
) -> Page:
    """Return everything that the page of a store says.

    Args:
        store: What to report; only read.
        choice: What to report, and how; by default everything.
        beside: Gives published figures that go beside ours.
        reported: What `report_blocks` returned for this store and choice, if it is at hand.

    Raises:
        UserError: If nothing is there to report, or a name of `choice` is unknown.
    """
    choice, predictions = choice or Choice(), PredictionCache(store)
    if reported is None:
        reported = report_blocks(store, choice, predictions)
    runs = _runs(reported)
    made = Made()
    data = page_data(store, runs, lambda run: made.noted(index_of(store).record(run)))
    places = Places(
        {run: position for position, run in enumerate(runs)},
        {run: status for run, (status, _) in runs.items()},
    )
    sources, notes = _sources(reported, choice, references_of(store, choice.sweep))
    return Page(
        provenance=_provenance(store, runs, made),
        views=tuple(view_of(source, places, made.spent, beside) for source in sources),
        notes=tuple(notes),
        images=(
            *page_images(store, choice, predictions),
            *answer_images(reported, ranks_by_name(store, choice, reported)),
        ),
        data=data,
    )


def _runs(reported: Sequence[Reported]) -> dict[str, tuple[str, str]]:
    """Return id to status and label of all runs behind the tables."""
    runs = pd.concat([block.frame[["id", "status", "label"]] for block in reported])
    runs = runs.drop_duplicates("id")
    return dict(zip(runs["id"], zip(runs["status"], runs["label"], strict=True), strict=True))


def _sources(
    reported: Sequence[Reported], choice: Choice, references: Sequence[str]
) -> tuple[list[Source], list[str]]:
    """Return what joins the blocks, then the blocks, and why a join is not there."""
    sources, notes = [], []
    for name, kind in SIDE_BY_SIDE.items():
        try:
            tables = join_tables([block.table for block in reported], kind)
        except UserError as error:
            notes.append(f"Not joined: {error}.")
            continue
        for table in tables:
            if len(table.domains) > 1:
                own = comparison_of(table, choice, references) or _headline(table, reported)
                sources.append(Source(f"view-{name}", marked(table, own), own, None))
    for block in reported:
        name = f"view-{safe_id(block.name)}"
        sources.append(Source(name, block.table, block.evidence, block.beyond))
        if block.alignment is not None:
            sources.append(Source(f"{name}-alignment", block.alignment.table, None, None))
    return _apart(sources), notes


def _apart(sources: Sequence[Source]) -> list[Source]:
    """Number ids that are there more than once."""
    seen: Counter[str] = Counter()
    out = []
    for source in sources:
        name = source.id
        while seen[name]:
            seen[source.id] += 1
            name = f"{source.id}-{seen[source.id]}"
        seen[name] += 1
        out.append(replace(source, id=name))
    return out


def _headline(table: Table, reported: Sequence[Reported]) -> TableComparison | None:
    """Return the comparison by the measure that stands for a run, the last column."""
    key = table.key | {"measure": PROTOCOLS[table.key["protocol"]].headline_measure}
    same = (b for b in reported if all(b.table.key[field] == key[field] for field in FIELDS))
    return next((block.evidence for block in same), None)


def _provenance(store: Store, runs: Mapping[str, tuple[str, str]], made: Made) -> PageProvenance:
    states = Counter(status for status, _ in runs.values())
    return PageProvenance(
        store=store.root.resolve().name,
        n_done=states["done"],
        n_failed=states["failed"],
        n_missing=states["missing"],
        code=_counted(made.code),
        versions=tuple((name, tuple(sorted(own))) for name, own in sorted(made.packages.items())),
        devices=_counted(Counter(spent.device for spent in made.spent.values())),
    )


def _counted(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
