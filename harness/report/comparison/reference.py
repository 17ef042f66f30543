"""Which row of a table the others are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from harness.errors import unknown_name
from harness.report.tables.model import Row, Table
from harness.store.store import Store
from harness.sweep.calls import canonical


def references_of(store: Store, sweep: str | None = None) -> tuple[str, ...]:
    """Return the rows that the store's sweeps name as `reference`, or that one sweep."""
    plans = (plan for plan in store.plans() if sweep in (None, plan.name))
    return tuple(
        dict.fromkeys(str(p.source["reference"]) for p in plans if p.source.get("reference"))
    )


def reference_row(
    table: Table, rows: Sequence[Row], against: str | None, references: Sequence[str]
) -> str | None:
    """Return the label of the row to compare with; None if it has no results.

    Args:
        table: The table.
        rows: Those of its rows that have results.
        against: A label, if one was asked for.
        references: What the sweeps name, by label or by call. Without any in the table it is the
            first of the methods that results/published/methods.yaml lists, else the first row;
            never weights trained elsewhere.

    Raises:
        UserError: If no row is called `against`.
    """
    if against is not None:
        labels = [row.label for row in table.rows]
        if against not in labels:
            raise unknown_name("row", against, labels, "as the table labels its rows")
        return against if any(row.label == against for row in rows) else None
    rows = [row for row in rows if not row.elsewhere]
    for name in references:
        for row in rows:
            if canonical(name) in row.names:
                return row.label
    for method in _usual_methods():
        for row in rows:
            if row.method == method:
                return row.label
    return rows[0].label if rows else None


@cache
def _usual_methods() -> tuple[str, ...]:
    from harness.report.published.meanings import load_meanings  # only where no sweep names one

    return load_meanings().references
