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
from harness.report.tables.cells import cell_of, mark_best, mean_cell, usual_n
from harness.report.tables.model import Cell, Over, Row, SeedKey, Table

_VARY: dict[str, tuple[str, ...]] = {
    "datasets": ("dataset", "dataset_options", "dataset_fingerprint"),
    "models": ("model", "precision", "model_fingerprint"),
    "measures": ("measure",),
}
_BLANK = {"dataset_options": "{}"}


def joined(tables: Sequence[Table], over: Over) -> list[Table]:
    """Return tables whose columns are what `over` says, one for each group of blocks.

    Args:
        tables: One per block, of one store.
        over: ``domains`` returns the tables as they are; ``measures`` puts base, new and their
            harmonic mean (or base, open, all; or source and shifted domains) side by side.

    Raises:
        UserError: If two blocks would be the same column, e.g. two backbones over data sets.
    """
    if over == "domains":
        return list(tables)
    groups: dict[tuple[Any, ...], list[Table]] = {}
    for table in tables:
        key = tuple(table.key[field] for field in FIELDS if field not in _VARY[over])
        groups.setdefault((*key, table.score), []).append(table)
    return [_joined(members, over) for members in groups.values()]


def _joined(tables: list[Table], over: Over) -> Table:
    if over == "measures":
        order = PROTOCOLS[tables[0].key["protocol"]].measures
        tables = sorted(tables, key=lambda table: order.index(table.key["measure"]))
        if tables[0].key["protocol"] == "distribution_shift":
            return _shifts(tables)
    names = [_column(table, over) for table in tables]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        same = [table for table, name in zip(tables, names, strict=True) if name == twice]
        differing = next(f for f in _VARY[over] if len({str(table.key[f]) for table in same}) > 1)
        raise UserError(
            f"a table over {over}: '{twice}' stands for blocks of different {differing}; "
            "report them apart with --dataset, --model or --sweep"
        )
    rows = []
    for label, members in _matched(tables):
        cells = [
            row.mean if row else _hole(table) for row, table in zip(members, tables, strict=True)
        ]
        rows.append(_row(label, members, cells, tables[0]))
    return _assembled(tables, over, tuple(names), rows, over != "measures" and len(tables) > 1)


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
    table = _assembled([shifted, *source], "measures", names, rows, len(shifted.domains) > 1)
    return replace(table, over="shifts", key=table.key | {"measure": "accuracy"})


def _column(table: Table, over: Over) -> str:
    return str(table.key[{"datasets": "dataset", "models": "model"}.get(over, "measure")])


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
    tables: Sequence[Table], over: Over, names: tuple[str, ...], rows: list[Row], has_mean: bool
) -> Table:
    key = dict(tables[0].key)
    for field in _VARY[over]:
        values = list(dict.fromkeys(str(table.key[field]) for table in tables))
        if len(values) > 1:
            key[field] = _BLANK.get(field, "" if field in ("precision", "measure") else
                                    ", ".join(values))  # fmt: skip
    marked = mark_best(rows)
    return Table(
        key=key,
        domains=names,
        heads=names,
        rows=tuple(marked),
        spread=tables[0].spread,
        usual_n=usual_n(marked),
        n_runs=sum(table.n_runs for table in tables) if over != "measures" else tables[0].n_runs,
        n_failed=sum(t.n_failed for t in tables) if over != "measures" else tables[0].n_failed,
        n_missing=sum(t.n_missing for t in tables) if over != "measures" else tables[0].n_missing,
        score=tables[0].score,
        over=over,
        has_mean=has_mean,
    )
