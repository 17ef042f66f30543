"""How much of the attention lies on the object: tables and the plain reading."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from harness.report.tables.aggregate import summarise
from harness.report.tables.cells import usual_n
from harness.report.tables.columns import Measures
from harness.report.tables.model import Cell, Row, Table
from harness.report.tables.spread import MEANING, Spread, spread_of
from harness.report.text.tables import to_csv

Values = Mapping[str, Mapping[str, float]]
"""By run id and measure, in percent."""


def by_measure(frame: pd.DataFrame, values: Values, spread: Spread = "std") -> dict[str, Table]:
    """Return a table of rows and domains for every measure.

    Args:
        frame: One line for each run, of one block.
        values: Of every run of the frame.
        spread: What ± is.
    """
    names = list(next(iter(values.values())))
    return {
        name: summarise(
            frame.assign(
                measure=name,
                base=float("nan"),
                new=float("nan"),
                accuracy=[values[run_id][name] for run_id in frame["id"]],
            ),
            spread,
        )
        for name in names
    }


def side_by_side(tables: Mapping[str, Table], names: Sequence[str], about: str) -> Table:
    """Return one table with a measure in each column: means over domains."""
    first = tables[names[0]]
    rows = []
    for number, row in enumerate(first.rows):
        cells = tuple(replace(tables[name].rows[number].mean, best=False) for name in names)
        rows.append(replace(row, cells=cells))
    return replace(
        first, key=first.key | {"measure": ""}, domains=tuple(names), heads=tuple(names),
        rows=tuple(rows), usual_n=usual_n(rows), kind=Measures(), has_mean=False, about=about,
    )  # fmt: skip


def long_csv(tables: Mapping[str, Table]) -> str:
    """Return every measure by row and domain, unrounded."""
    texts = [to_csv(table) for table in tables.values()]
    return "".join([texts[0], *(text.split("\n", 1)[1] for text in texts[1:])])


def reading(tables: Mapping[str, Table]) -> str:
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
    parts = [
        f"{share.rows[i].label} {_number(share.rows[i].mean)} % "
        f"({(ratio.rows[i].mean.mean or 0) / 100:.2f}, {_change(share.rows[i], share.rows[start])})"
        for i in others
    ]
    return f"{text}; {'; '.join(parts)}." if parts else f"{text}."


def _start(table: Table) -> int:
    """Return the row that others are compared with: zero-shot, else the first."""
    labels = [row.method for row in table.rows]
    return labels.index("zero_shot") if "zero_shot" in labels else 0


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


def spread_words(table: Table) -> str:
    """Return what error bars are."""
    n = table.usual_n
    return f"± {MEANING[table.spread]} over n = {n} seeds" if n > 1 else "one seed (n = 1)"
