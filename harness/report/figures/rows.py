"""The tables, rows and columns that a figure of a sweep file names."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UserError, unknown_name
from harness.report.tables.chosen import with_only
from harness.report.tables.columns import SIDE_BY_SIDE
from harness.report.tables.join import join_tables
from harness.report.tables.model import Row, Table
from harness.sweep.calls import canonical
from harness.sweep.figures import AnyFigure, TableSpec


def tables_for(spec: AnyFigure, tables: Sequence[tuple[str, Table]]) -> list[tuple[str, Table]]:
    """Return the tables that the figure is drawn from, one picture each, named for files.

    Args:
        spec: The figure.
        tables: One per block of the sweep, with the block's name.

    Raises:
        UserError: If no table has the figure's rows or measure.
    """
    chosen = list(tables)
    if spec.measure is not None:
        chosen = [(name, t) for name, t in chosen if t.key["measure"] == spec.measure]
        if not chosen:
            known = {str(table.key["measure"]) for _, table in tables}
            raise unknown_name("measure", spec.measure, known, f"in figure '{spec.name}'")
    if spec.over in SIDE_BY_SIDE:
        wide = join_tables([table for _, table in chosen], SIDE_BY_SIDE[spec.over])
        chosen = [(_short(table, wide), table) for table in wide]
    # No block has any of its rows: let the first one say which name is wrong.
    return [t for t in chosen if not spec.rows or _shows(t[1], spec.rows)] or chosen[:1]


def _short(table: Table, others: Sequence[Table]) -> str:
    """Name a joined table for files: by what tells it from the others of its figure."""
    if len(others) == 1:
        return ""
    fields = ("dataset", "model", "measure", "protocol")
    varying = [f for f in fields if len({str(other.key[f]) for other in others}) > 1]
    name = "-".join(str(table.key[field]) for field in varying) or str(others.index(table))
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in name).lower()


def _shows(table: Table, rows: Sequence[str]) -> bool:
    names = frozenset().union(*(row.names for row in table.rows))
    return any(canonical(row) in names for row in rows)


def columns_of(table: Table, spec: AnyFigure) -> tuple[str, ...]:
    """Return the columns a figure shows.

    Raises:
        UserError: For a column that the table has not.
    """
    if spec.columns is None:
        return table.columns
    for column in spec.columns:
        if column not in table.columns:
            raise unknown_name("column", column, table.columns, f"in figure '{spec.name}'")
    return spec.columns


def chosen_table(table: Table, spec: TableSpec) -> Table:
    """Return the rows and columns that a table of a sweep file asks for.

    Raises:
        UserError: For a row or column that is not there.
    """
    rows = [find_row(table, row, spec.name) for row in spec.rows] or list(table.rows)
    return with_only(table, rows, columns_of(table, spec))


def find_row(table: Table, name: str, figure: str) -> Row:
    """Return the row that a figure calls `name`, by label or by call."""
    exact = [row for row in table.rows if row.label == name]
    found = exact or [row for row in table.rows if canonical(name) in row.names]
    if not found:
        raise unknown_name("row", name, [row.label for row in table.rows], f"in figure '{figure}'")
    if len(found) > 1:
        labels = ", ".join(row.label for row in found)
        raise UserError(f"figure '{figure}': row '{name}' may be any of {labels}; say which")
    return found[0]
