"""The page of a store: every block and what joins them, their runs and where these come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.errors import UserError
from harness.protocols import PROTOCOLS
from harness.report.build import Choice, Reported, compared, report_blocks
from harness.report.comparison.evidence import Evidence
from harness.report.comparison.images import Answers
from harness.report.comparison.marks import marked
from harness.report.page.columns import Places
from harness.report.page.cost import device_of
from harness.report.page.images import images_of
from harness.report.page.model import Beside, Page, Provenance, View
from harness.report.page.runs import page_data
from harness.report.page.view import Source, safe_id, view_of
from harness.report.runs.blocks import FIELDS
from harness.report.tables.join import joined
from harness.report.tables.model import Over, Table
from harness.store.records import RunRecord
from harness.store.store import Store

_JOINS: tuple[Over, ...] = ("datasets", "measures", "models")


def build_page(store: Store, choice: Choice | None = None, beside: Beside | None = None) -> Page:
    """Return everything that the page of a store says.

    Args:
        store: What to report; only read.
        choice: What to report, and how; by default everything.
        beside: Gives published figures that go beside ours.

    Raises:
        UserError: If nothing is there to report, or a name of `choice` is unknown.
    """
    choice, answers = choice or Choice(), Answers(store)
    parts = report_blocks(store, choice, answers)
    runs = _runs(parts)
    records = {record.id: record for record in store.records() if record.id in runs}
    records = {run: records[run] for run, (status, _) in runs.items() if status == "done"}
    places = Places(
        {run: position for position, run in enumerate(runs)},
        {run: status for run, (status, _) in runs.items()},
    )
    sources, notes = _sources(parts, choice)
    return Page(
        provenance=_provenance(store, runs, records),
        views=_told_apart([view_of(source, places, records, beside) for source in sources]),
        notes=tuple(notes),
        images=tuple(images_of(store, choice, answers)),
        data=page_data(store, runs, records),
    )


def _runs(parts: Sequence[Reported]) -> dict[str, tuple[str, str]]:
    """Return id to status and label of all runs behind the tables."""
    found: dict[str, tuple[str, str]] = {}
    for part in parts:
        columns = (part.frame[name] for name in ("id", "status", "label"))
        for run, status, label in zip(*columns, strict=True):
            found.setdefault(run, (status, label))
    return found


def _sources(parts: Sequence[Reported], choice: Choice) -> tuple[list[Source], list[str]]:
    """Return what joins the blocks, then the blocks, and why a join is not there."""
    sources, notes = [], []
    for over in _JOINS:
        try:
            tables = joined([part.table for part in parts], over)
        except UserError as error:
            notes.append(f"Not joined: {error}.")
            continue
        for table in tables:
            if len(table.domains) > 1 or table.over == "shifts":
                found = compared(table, choice) or _headline(table, parts)
                sources.append(Source(f"view-{over}", marked(table, found), found, None))
    for part in parts:
        name = f"view-{safe_id(part.name)}"
        sources.append(Source(name, part.table, part.evidence, part.beyond))
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


def _told_apart(views: Sequence[View]) -> tuple[View, ...]:
    """Add to titles that are there more than once what their ids say: what differs."""
    titles = Counter(view.title for view in views)
    return tuple(
        replace(view, title=f"{view.title} ({view.id.removeprefix('view-')})")
        if titles[view.title] > 1
        else view
        for view in views
    )


def _headline(table: Table, parts: Sequence[Reported]) -> Evidence | None:
    """Return what was found for the measure that stands for a run, the last column."""
    key = table.key | {"measure": PROTOCOLS[table.key["protocol"]].headline_measure}
    same = [part for part in parts if all(part.table.key[field] == key[field] for field in FIELDS)]
    return same[0].evidence if same else None


def _provenance(
    store: Store, runs: Mapping[str, tuple[str, str]], records: Mapping[str, RunRecord]
) -> Provenance:
    states = Counter(status for status, _ in runs.values())
    made = [record.provenance for record in records.values()]
    packages: dict[str, set[str]] = {}
    for one in made:
        for name, version in one.versions.items():
            packages.setdefault(name, set()).add(version)
    return Provenance(
        store=store.root.resolve().name,
        n_done=states["done"],
        n_failed=states["failed"],
        n_missing=states["missing"],
        code=_counted(Counter(one.git or "not under version control" for one in made)),
        versions=tuple((name, tuple(sorted(found))) for name, found in sorted(packages.items())),
        devices=_counted(Counter(device_of(record) for record in records.values())),
    )


def _counted(found: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
