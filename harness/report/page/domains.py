"""A table's columns one by one: who is best there, by how much, where the others lie."""

from __future__ import annotations

from harness.report.page.model import Domain
from harness.report.tables.model import Table


def domains_of(table: Table) -> tuple[tuple[Domain, ...], tuple[str, str]]:
    """Return the columns in detail, without the mean, and the ends of their shared axis.

    Only cells whose seeds are all there can be best or second.
    """
    known = [cell.mean for row in table.rows for cell in row.cells if cell.mean is not None]
    low, high = min(known, default=0.0), max(known, default=100.0)
    room = (high - low) or 1.0
    out = []
    for i, name in enumerate(table.domains):
        column = [(row.label, row.cells[i]) for row in table.rows]
        means = [(cell.mean, label) for label, cell in column if cell.mean is not None]
        whole = [
            (cell.mean, label) for label, cell in column if cell.mean is not None and cell.complete
        ]
        ranked = sorted(whole, key=lambda pair: -pair[0])
        shown = f"{ranked[0][0]:.{table.decimals}f}" if ranked else ""
        best = tuple(label for mean, label in ranked if f"{mean:.{table.decimals}f}" == shown)
        rest = ranked[len(best) :]
        dots = sorted(100 * (mean - low) / room for mean, _ in means)
        if ranked:  # an incomplete one may lie higher, but is not called best
            top = 100 * (ranked[0][0] - low) / room
            dots.remove(top)
            dots.append(top)
        out.append(
            Domain(
                name=name,
                best=best,
                number=shown or "–",
                second=rest[0][1] if rest else "",
                lead=f"{ranked[0][0] - rest[0][0]:.{table.decimals}f}" if rest else "",
                dots=tuple(round(dot, 1) for dot in dots),
            )
        )
    return tuple(out), (f"{low:.{table.decimals}f}", f"{high:.{table.decimals}f}")
