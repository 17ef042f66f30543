"""A table's columns one by one: who is best there, by how much, where the others lie."""

from __future__ import annotations

from collections.abc import Iterable

from harness.report.comparison.model import Lead
from harness.report.page.model import BADGES, Domain
from harness.report.stats.words import NOISE
from harness.report.tables.model import Table


def domains_of(table: Table, leads: Iterable[Lead]) -> tuple[tuple[Domain, ...], tuple[str, str]]:
    """Return the columns in detail, without the mean, and the ends of their shared axis.

    Args:
        table: The table.
        leads: Who is best in each of its columns, perhaps of more columns.
    """
    known = [cell.mean for row in table.rows for cell in row.cells if cell.mean is not None]
    low, high = min(known, default=0.0), max(known, default=100.0)
    room = (high - low) or 1.0
    by_column = {own.column: own for own in leads}
    out = []
    for i, name in enumerate(table.domains):
        own, means = by_column[name], {row.label: row.cells[i].mean for row in table.rows}
        dots = sorted(100 * (mean - low) / room for mean in means.values() if mean is not None)
        if own.best:  # an incomplete one may lie higher, but is not called best
            top = 100 * ((means[own.best[0]] or 0.0) - low) / room
            dots.remove(top)
            dots.append(top)
        found = own.comparison
        out.append(
            Domain(
                name=name,
                best=own.best,
                number=own.number or "–",
                second=own.second,
                lead="" if own.lead is None else f"{own.lead:.{table.decimals}f}",
                badge=BADGES[found.verdict] if found else None,
                badge_text=NOISE[found.verdict] if found else "",
                reading=found.reading if found else "",
                dots=tuple(round(dot, 1) for dot in dots),
            )
        )
    return tuple(out), (f"{low:.{table.decimals}f}", f"{high:.{table.decimals}f}")
