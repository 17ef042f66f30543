"""The picture of a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.report.figures.table import table_picture
from harness.report.tables.model import Table
from tests.report.figures.pixels import ink, size_of


def test_the_picture_grows_with_rows_and_columns(table: Table) -> None:
    whole = size_of(table_picture(table))
    fewer_rows = size_of(table_picture(replace(table, rows=table.rows[:3])))
    assert whole[1] - fewer_rows[1] >= 4 * 47  # four lines of 0.235 inch of 200 dots
    rows = tuple(replace(row, cells=row.cells[:2]) for row in table.rows)
    narrow = replace(table, rows=rows, domains=table.domains[:2], heads=table.heads[:2])
    assert size_of(table_picture(narrow))[0] < whole[0]


def test_three_rules_cross_the_picture_from_margin_to_margin(table: Table) -> None:
    dark = ink(table_picture(table))
    long = dark.sum(axis=1) > 0.9 * (dark.shape[1] - 2 * 0.12 * 200)
    starts = np.flatnonzero(np.diff(long.astype(int)) == 1)
    assert len(starts) == 3


def test_the_best_is_bold(table: Table) -> None:
    plain = replace(
        table,
        rows=tuple(
            replace(
                row,
                cells=tuple(replace(c, best=False) for c in row.cells),
                mean=replace(row.mean, best=False),
            )
            for row in table.rows
        ),
    )
    columns = min(ink(table_picture(t)).shape[1] for t in (table, plain))
    rows = slice(0, 300)  # the caption below differs
    assert ink(table_picture(table))[rows, :columns].sum() > (
        ink(table_picture(plain))[rows, :columns].sum()
    )


def test_a_pdf_is_a_pdf(table: Table) -> None:
    assert table_picture(table, "pdf").startswith(b"%PDF")
