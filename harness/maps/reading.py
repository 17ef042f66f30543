"""The plain reading of where attention lies."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from harness import registry
from harness.report.tables.model import Cell, Row, Table
from harness.report.tables.spread import spread_of


def attention_sentence(tables: Mapping[str, Table]) -> str:
    """Say in one sentence where attention lies, and what each method changes about it."""
    share, ratio, area = (tables[name] for name in ("all blocks", "all blocks / area", "area"))
    start = _start(share)
    factor = ratio.rows[start].mean.mean or 0.0
    lean = "the object" if factor > 100 else "the background" if factor < 100 else "neither"
    text = (
        f"Over all blocks {share.rows[start].label} puts {_number(share.rows[start].mean)} % of "
        f"its attention on the object, which covers {_number(area.rows[start].mean)} % of the "
        f"image ({factor / 100:.2f} of a uniform attention's share, mean over domains), "
        f"so it leans to {lean}"
    )
    others = [i for i in range(len(share.rows)) if i != start]
    changes = [
        f"{share.rows[i].label} {_number(share.rows[i].mean)} % "
        f"({(ratio.rows[i].mean.mean or 0) / 100:.2f}, {_change(share.rows[i], share.rows[start])})"
        for i in others
    ]
    return f"{text}; {'; '.join(changes)}." if changes else f"{text}."


def _start(table: Table) -> int:
    """Return the row that others are compared with: a reference that trains nothing, or the first.

    What training changes about attention is seen against the model before any.
    """
    known = registry.discover("methods").plugins  # without weights trained elsewhere
    classes = [known.get(row.method) for row in table.rows]
    return next((i for i, cls in enumerate(classes) if cls and cls.reference and not cls.trains), 0)


def _number(cell: Cell) -> str:
    spread = "" if cell.spread is None else f" ± {cell.spread:.1f}"
    return "–" if cell.mean is None else f"{cell.mean:.1f}{spread}"


def _change(row: Row, start: Row) -> str:
    both = sorted(set(row.mean.by_seed) & set(start.mean.by_seed))
    if not both:
        return "no seed in common"
    changes = [row.mean.by_seed[seed] - start.mean.by_seed[seed] for seed in both]
    spread = spread_of(changes, "std")
    tail = "" if spread is None else f" ± {spread:.1f}"
    return f"{statistics.fmean(changes):+.1f}{tail} points"
