"""Significance marks in a table's mean column, and the sentence that says what they mean."""

from __future__ import annotations

from dataclasses import replace

from harness.report.comparison.model import BETTER, WORSE, TableComparison
from harness.report.stats.paired import TEST_NAMES
from harness.report.tables.model import Row, Table


def marked(table: Table, comparison: TableComparison | None) -> Table:
    """Return the table with † and ‡ at means that are beyond noise, explained in the caption.

    A row gets a mark only if what was compared is what its mean is over: all its columns.
    """
    if comparison is None or (not table.has_mean and len(table.domains) > 1):
        return table
    rows = tuple(_row(table, row, comparison) for row in table.rows)
    marks = {row.mean.mark for row in rows}
    words = [f"{BETTER} better"] * (BETTER in marks) + [f"{WORSE} worse"] * (WORSE in marks)
    if not words:
        return table
    design = comparison.design
    images = any(row.over_images and row.mark for row in comparison.rows)
    test = TEST_NAMES[design.test]
    test += f", untrained methods {TEST_NAMES['mcnemar']}" if images else ""
    corrected = ", Holm's correction" if comparison.rows[0].comparison.n_comparisons > 1 else ""
    than = f"than {comparison.reference} (p < {design.alpha:g}, {test}{corrected})"
    return replace(table, rows=rows, note=f"{', '.join(words)} {than}.")


def _row(table: Table, row: Row, comparison: TableComparison) -> Row:
    own = comparison.row(row.label)
    if own is None or not own.mark or own.comparison.left_out or row.mean.mean is None:
        return row
    mean = replace(row.mean, mark=own.mark)
    if table.has_mean:
        return replace(row, mean=mean)
    return replace(row, mean=mean, cells=(replace(row.cells[0], mark=own.mark),))
