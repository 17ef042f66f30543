"""Tables of what maps measure: one for each measure, and the measures side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from harness.report.tables.aggregate import summarise
from harness.report.tables.caption import deterministic_words
from harness.report.tables.cells import usual_n
from harness.report.tables.columns import Measures
from harness.report.tables.model import Table
from harness.report.tables.spread import MEANING, Spread
from harness.report.text.grid import to_csv
from harness.report.text.tables import lines

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
        first,
        key=first.key | {"measure": ""},
        domains=tuple(names),
        heads=tuple(names),
        rows=tuple(rows),
        usual_n=usual_n(rows),
        kind=Measures(),
        has_mean=False,
        about=about,
    )


def long_csv(tables: Mapping[str, Table]) -> str:
    """Return every measure by row and domain, unrounded."""
    return to_csv(lines(*tables.values()))


def spread_words(table: Table) -> str:
    """Return what error bars are."""
    n = table.usual_n
    words = f"± {MEANING[table.spread]} over n = {n} seeds" if n > 1 else "one seed (n = 1)"
    return f"{words}; {still}" if (still := deterministic_words(table)) else words
