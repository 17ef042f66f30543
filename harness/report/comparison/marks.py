"""Significance marks in a table's mean column, and the sentence that says what they mean."""

from __future__ import annotations

from dataclasses import replace

from harness.report.comparison.evidence import BETTER, TESTS, WORSE, Evidence
from harness.report.tables.model import Row, Table


def marked(table: Table, found: Evidence | None) -> Table:
    """Return the table with † and ‡ at means that are beyond noise, explained in the caption.

    A row gets a mark only if what was compared is what its mean is over: all its columns.
    """
    if found is None or not any(line.mark for line in found.lines):
        return table
    if not table.has_mean and len(table.domains) > 1:
        return table
    rows = tuple(_row(table, row, found) for row in table.rows)
    marks = {row.mean.mark for row in rows}
    if marks == {""}:
        return table
    words = [f"{BETTER} better"] * (BETTER in marks) + [f"{WORSE} worse"] * (WORSE in marks)
    images = any(line.over_images and line.mark for line in found.lines)
    test = TESTS[found.test] + (f", untrained methods {TESTS['mcnemar']}" if images else "")
    corrected = ", Holm's correction" if found.lines[0].comparison.n_comparisons > 1 else ""
    note = f"{', '.join(words)} than {found.reference} (p < {found.alpha:g}, {test}{corrected})."
    return replace(table, rows=rows, note=note)


def _row(table: Table, row: Row, found: Evidence) -> Row:
    line = found.line(row.label)
    if line is None or not line.mark or line.comparison.left_out or row.mean.mean is None:
        return row
    mean = replace(row.mean, mark=line.mark)
    if table.has_mean:
        return replace(row, mean=mean)
    return replace(row, mean=mean, cells=(replace(row.cells[0], mark=line.mark),))
