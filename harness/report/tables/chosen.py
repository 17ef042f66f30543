"""Some rows and columns of a table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd

from harness.report.tables.cells import mark_best
from harness.report.tables.model import Row, Table
from harness.sweep.calls import canonical


def with_only(table: Table, rows: Sequence[Row], columns: Collection[str]) -> Table:
    """Return the table with these of its rows and columns; means stay over all columns."""
    kept = [i for i, name in enumerate(table.domains) if name in columns]
    fewer = [replace(row, cells=tuple(row.cells[i] for i in kept)) for row in rows]
    return replace(
        table,
        domains=tuple(table.domains[i] for i in kept),
        heads=tuple(table.heads[i] for i in kept),
        rows=tuple(mark_best(fewer, table.decimals)),
        has_mean=table.has_mean and table.mean_head in columns,
        hidden=table.hidden + len(table.domains) - len(kept),
    )


def rows_called(table: Table, names: Sequence[str]) -> list[Row]:
    """Return the rows of these labels or calls, in this order; those that are not there are not."""
    called = [
        row
        for name in names
        for row in table.rows
        if row.label == name or canonical(name) in row.names
    ]
    return list({row.label: row for row in called}.values())


def counted(table: Table, runs: pd.DataFrame) -> Table:
    """Return the table with the counts of these runs only."""
    states = runs.drop_duplicates("id", keep="last")["status"].value_counts()
    return replace(
        table,
        n_runs=int(states.sum()),
        n_failed=int(states.get("failed", 0)),
        n_missing=int(states.get("missing", 0)),
    )
