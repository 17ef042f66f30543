"""Tables across blocks: data sets, backbones or measures as columns, for the same methods.

The blocks stay what they are; a column is a block's mean over its domains. Only what the columns
are may differ between the blocks that share a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.errors import UserError
from harness.protocols import PROTOCOLS
from harness.report.runs.blocks import FIELDS
from harness.report.runs.rows import SeedKey
from harness.report.tables.caption import told_apart
from harness.report.tables.cells import cell_of, mark_best, mean_cell, usual_n
from harness.report.tables.columns import Joined, Measures, Shifts
from harness.report.tables.model import Cell, Row, Table

_BLANK = {"dataset_options": "{}", "precision": "", "measure": ""}
"""What a table's key says of a field that differs; otherwise all its values."""


def join_tables(tables: Sequence[Table], kind: Joined) -> list[Table]:
    """Return tables with blocks side by side, one for each group of blocks alike in the rest.

    Those of weights trained elsewhere stay by themselves.

    Args:
        tables: One per block, of one store.
        kind: What the columns are. `Measures` puts base, new and their harmonic mean (or base,
            open, all; or source and shifted domains) side by side.

    Raises:
        UserError: If two blocks would be the same column, e.g. two backbones over data sets.
    """
    groups: dict[tuple[Any, ...], list[Table]] = {}
    for table in (table for table in tables if not table.apart):
        key = tuple(table.key[field] for field in FIELDS if field not in kind.varies)
        groups.setdefault(key, []).append(table)
    return told_apart([_joined(members, kind) for members in groups.values()])


def _joined(tables: list[Table], kind: Joined) -> Table:
    if isinstance(kind, Measures) and len(tables) > 1:  # validation has one number a run
        order = PROTOCOLS[tables[0].key["protocol"]].measures
        tables = sorted(tables, key=lambda table: order.index(table.key["measure"]))
        if "source" in order:
            return _shifts(tables)
    names = [str(table.key[kind.varies[0]]) for table in tables]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        same = [table for table, name in zip(tables, names, strict=True) if name == twice]
        differing = next(f for f in kind.varies if len({str(table.key[f]) for table in same}) > 1)
        raise UserError(
            f"a table over {kind.name}: '{twice}' stands for blocks of different {differing}; "
            "report them apart with --dataset, --model or --sweep"
        )
    rows = []
    for label, members in _matched(tables):
        cells = [
            row.mean if row else _hole(table) for row, table in zip(members, tables, strict=True)
        ]
        rows.append(_row(label, members, cells, tables[0]))
    table = _assembled(tables, kind.varies, tuple(names), rows)
    return replace(table, kind=kind, has_mean=kind.comparable and len(tables) > 1)


def _shifts(tables: list[Table]) -> Table:
    """Put the training domain's column before those of the domains tested on."""
    (shifted, *source) = tables
    rows = []
    for label, members in _matched(tables):
        cells: list[Cell] = []
        for row, table in zip(members, tables, strict=True):
            own = list(row.cells) if row else [_hole(table)] * len(table.domains)
            cells = own + cells
        row = _row(label, members, cells, shifted)
        rows.append(replace(row, mean=members[0].mean if members[0] else _hole(shifted)))
    names = tuple(name for table in reversed(tables) for name in table.domains)
    table = _assembled([shifted, *source], Measures.varies, names, rows)
    return replace(
        table,
        kind=Shifts(str(shifted.key["source"])),
        has_mean=len(shifted.domains) > 1,
        key=table.key | {"measure": "accuracy"},
    )


def _matched(tables: Sequence[Table]) -> list[tuple[str, list[Row | None]]]:
    """Bring the rows of one label together, in the order in which labels first appear."""
    labels = list(dict.fromkeys(row.label for table in tables for row in table.rows))
    by_label = [{row.label: row for row in table.rows} for table in tables]
    return [(label, [own.get(label) for own in by_label]) for label in labels]


def _hole(table: Table) -> Cell:
    seeds = max((row.mean.planned for row in table.rows), default=1)
    return cell_of({}, 0, seeds, table.spread)


def _row(label: str, members: Sequence[Row | None], cells: Sequence[Cell], table: Table) -> Row:
    there = [row for row in members if row is not None]
    seeds: list[SeedKey] = sorted({seed for cell in cells for seed in cell.by_seed})
    return Row(
        label=label,
        names=frozenset().union(*(row.names for row in there)),
        method=there[0].method,
        selection="/".join(dict.fromkeys(row.selection for row in there if row.selection)),
        cells=tuple(replace(cell, best=False) for cell in cells),
        mean=mean_cell(list(cells), seeds, table.spread),
    )


def _assembled(
    tables: Sequence[Table], varies: Sequence[str], names: tuple[str, ...], rows: list[Row]
) -> Table:
    key = dict(tables[0].key)
    for field in varies:
        distinct = list(dict.fromkeys(str(table.key[field]) for table in tables))
        if len(distinct) > 1:
            key[field] = _BLANK.get(field, ", ".join(distinct))
    if "shots" in varies:  # a number, as of a protocol
        key["shots"] = max(table.key["shots"] for table in tables)
    marked = mark_best(rows, tables[0].decimals)
    counted = tables[:1] if "measure" in varies else tables  # measures are of the same runs
    return Table(
        key=key,
        domains=names,
        heads=names,
        rows=tuple(marked),
        spread=tables[0].spread,
        usual_n=usual_n(marked),
        n_runs=sum(table.n_runs for table in counted),
        n_failed=sum(table.n_failed for table in counted),
        n_missing=sum(table.n_missing for table in counted),
        score=tables[0].score,
        tuning=" ".join(dict.fromkeys(table.tuning for table in tables if table.tuning)),
        decimals=tables[0].decimals,
    )
