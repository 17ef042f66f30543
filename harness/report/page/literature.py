"""Published numbers beside the cells of the page that they are comparable with."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocols import PROTOCOLS
from harness.report.page.model import Beside, Published
from harness.report.published.compare import COMPARED, PublishedCell, compare_published
from harness.report.published.numbers import PublishedNumber
from harness.report.tables.model import Row, Table


def literature(numbers: Sequence[PublishedNumber]) -> Beside:
    """Return what gives the numbers published of a cell, each with its verdict.

    Only numbers that may be compared with the cell are given: same backbone, data, protocol, tested
    part, weights and recipe (see `published.compare`). Joined tables have none.
    """
    known: dict[str, dict[tuple[str, str], list[Published]]] = {}

    def beside(table: Table, row: Row, column: str) -> Sequence[Published]:
        if not table.kind.one_block:
            return ()
        key = str(sorted(table.key.items(), key=lambda item: item[0]))
        if key not in known:
            known[key] = _by_cell(table, compare_published([table], numbers))
        return known[key].get((row.label, column), ())

    return beside


def _by_cell(
    table: Table, cells: Sequence[PublishedCell]
) -> dict[tuple[str, str], list[Published]]:
    found: dict[tuple[str, str], list[Published]] = {}
    for cell in cells:
        if cell.verdict in COMPARED:
            at = cell.label, _column(table, cell.published)
            found.setdefault(at, []).append(_published(cell))
    return found


def _column(table: Table, number: PublishedNumber) -> str:
    if not PROTOCOLS[number.protocol].published_domains:
        return number.dataset
    if number.domain in table.domains:
        return number.domain
    # a mean that --columns leaves out is beside no other column
    return table.columns[-1] if table.has_mean or len(table.domains) + table.hidden == 1 else ""


def _published(cell: PublishedCell) -> Published:
    number = cell.published
    spread = "" if number.spread is None else f" ± {number.spread:g}"
    notes = f" ({'; '.join(cell.notes)})" if cell.notes else ""
    return Published(f"{number.value:g}{spread}", f"{number.place}{notes}", cell.text)
